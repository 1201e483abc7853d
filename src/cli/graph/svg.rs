//! A picture as SVG: drawn here, without another program, legible on light and dark ground.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::layout::{Layout, Link, Size, layout, ranks};
use super::picture::{Arrow, Box, Look, Picture, identities, most_callers};
use super::text::{callers_line, colour, share_line, width};

/// How wide a text is written in a box and on an arrow, before it goes on in the next line.
const BOX_TEXT_WIDTH: f64 = 216.0;
const LABEL_TEXT_WIDTH: f64 = 168.0;
/// Lines of a text in a box.
const LINES_MAX: usize = 3;
/// The sizes of letters, and of lines.
const NAME: f64 = 14.0;
const TEXT: f64 = 12.0;
const SMALL: f64 = 10.5;
const TITLE: f64 = 20.0;
const LEADING: f64 = 1.3;
/// Around what stands in a box, and around the picture.
const PADDING: f64 = 11.0;
const MARGIN: f64 = 24.0;
/// An arrow that passes more rows of boxes than this is drawn as a reference.
const FARTHEST: usize = 3;

/// Light first; dark where the reader's system is.
const STYLE: &str = "
    svg { --paper: #ffffff; --ink: #1b1f24; --faint: #5c6670; --line: #7d8791; --box: #f6f8fa; --label: #ffffff;
          --green: #2b8a3e; --blue: #3b5bdb; --orange: #d9480f; --violet: #9c36b5; --teal: #0b7285; --red: #c92a2a;
          font-family: 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif; }
    @media (prefers-color-scheme: dark) {
      svg { --paper: #14181d; --ink: #e8eaed; --faint: #a3adb8; --line: #8b96a1; --box: #1f252c; --label: #14181d;
            --green: #69db7c; --blue: #91a7ff; --orange: #ffa94d; --violet: #e599f7; --teal: #66d9e8; --red: #ff8787; }
    }
    .paper { fill: var(--paper); } text { fill: var(--ink); font-size: 12px; }
    .title { font-size: 20px; font-weight: 600; } .name { font-size: 14px; font-weight: 600; }
    .caption, .legend, .count { font-size: 10.5px; fill: var(--faint); } .legend { font-size: 12px; }
    .box { fill: var(--box); stroke-width: 1.5; } .way { fill: none; stroke: var(--line); stroke-width: 1.5; }
    .aside { stroke-dasharray: 5 4; } .behind { fill: var(--label); }
    .start .box, .person .box { stroke: var(--green); stroke-width: 2; } .person .box { stroke-width: 3; }
    .speech .box { stroke: var(--blue); } .question .box { stroke: var(--orange); stroke-width: 2; }
    .fork .box { stroke: var(--violet); } .flow .box { stroke: var(--teal); } .end .box { stroke: var(--red); }
    .quiet .box { stroke: var(--line); stroke-dasharray: 3 3; } .pointer .box { stroke: none; fill: none; }
    .pointer text { fill: var(--faint); }
    a:hover text { text-decoration: underline; }
";

/// The picture as an SVG file.
pub(super) fn svg(picture: &Picture) -> String {
    let sheet = Sheet::of(picture);
    sheet.drawn()
}

/// Boxes and arrows that lead down only: those that would lead back, or far away, are references.
struct Sheet<'a> {
    picture: &'a Picture,
    boxes: Vec<Shown>,
    arrows: Vec<(Arrow, Vec<String>)>,
    layout: Layout,
}

/// A box with its lines cut to its width.
struct Shown {
    drawn: Box,
    /// What it refers to, if it is a reference.
    to: Option<usize>,
    lines: Vec<String>,
    size: Size,
}

impl<'a> Sheet<'a> {
    fn of(picture: &'a Picture) -> Sheet<'a> {
        let (boxes, arrows) = unfolded(picture);
        let boxes: Vec<Shown> = boxes.into_iter().map(|(drawn, to)| shown(drawn, to)).collect();
        let arrows: Vec<(Arrow, Vec<String>)> = arrows
            .into_iter()
            .map(|arrow| {
                let lines = arrow.labels.iter().flat_map(|label| wrapped(label, TEXT, LABEL_TEXT_WIDTH, 2)).collect();
                (arrow, lines)
            })
            .collect();
        let sizes: Vec<Size> = boxes.iter().map(|shown| shown.size).collect();
        let links: Vec<Link> = arrows
            .iter()
            .map(|(arrow, lines)| Link { from: arrow.from, to: arrow.to, label: label_size(arrow, lines) })
            .collect();
        Sheet { picture, boxes, arrows, layout: layout(&sizes, &links) }
    }

    fn drawn(&self) -> String {
        let top = MARGIN + TITLE + 10.0 + self.picture.legend.len() as f64 * TEXT * LEADING + 18.0;
        let words = std::iter::once(measure(&self.picture.title, TITLE))
            .chain(self.picture.legend.iter().map(|line| measure(line, TEXT)))
            .fold(0.0, f64::max);
        let wide = self.layout.size.width.max(words) + MARGIN * 2.0;
        let high = self.layout.size.height + top + MARGIN;
        let left = MARGIN + (wide - MARGIN * 2.0 - self.layout.size.width) / 2.0;
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide:.0} {high:.0}\" width=\"{wide:.0}\" \
             height=\"{high:.0}\" role=\"img\" aria-label=\"{}\">\n  <title>{}</title>\n  <style>{STYLE}  </style>\n",
            escaped(&self.picture.title),
            escaped(&self.picture.title),
        );
        let _ = writeln!(text, "  <rect class=\"paper\" width=\"100%\" height=\"100%\"/>");
        let y = MARGIN + TITLE * 0.8;
        let _ = writeln!(
            text,
            "  <text class=\"title\" x=\"{MARGIN}\" y=\"{y:.1}\">{}</text>",
            escaped(&self.picture.title)
        );
        for (number, line) in self.picture.legend.iter().enumerate() {
            let y = MARGIN + TITLE + 10.0 + (number as f64 + 0.8) * TEXT * LEADING;
            let _ = writeln!(text, "  <text class=\"legend\" x=\"{MARGIN}\" y=\"{y:.1}\">{}</text>", escaped(line));
        }
        let _ = writeln!(text, "  <g transform=\"translate({left:.1} {top:.1})\">");
        self.ways(&mut text);
        let names = identities(self.picture);
        for (number, shown) in self.boxes.iter().enumerate() {
            let (x, y) = self.layout.boxes[number];
            let link = shown.to.map(|to| names[to].as_str());
            draw_box(&mut text, shown, names.get(number).map(String::as_str), link, x, y);
        }
        self.labels(&mut text);
        text.push_str("  </g>\n</svg>\n");
        text
    }

    fn ways(&self, text: &mut String) {
        let most = most_callers(self.picture);
        // The widest first, so that a narrow one is not hidden.
        let mut order: Vec<usize> = (0..self.arrows.len()).collect();
        order.sort_by_key(|number| std::cmp::Reverse(self.arrows[*number].0.callers.map(|(callers, _)| callers)));
        for number in order {
            let arrow = &self.arrows[number].0;
            let (stroke, colour) = match arrow.callers {
                Some((callers, _)) => (width(callers, most), Some(colour(callers, most))),
                None => (1.5, None),
            };
            let (path, (x, y)) = path(&self.layout.routes[number].points, stroke);
            let style = colour
                .as_ref()
                .map_or(String::new(), |colour| format!(" style=\"stroke:{colour};stroke-width:{stroke:.1}\""));
            let class = if arrow.aside { "way aside" } else { "way" };
            let _ = writeln!(text, "    <path class=\"{class}\" d=\"{path}\"{style}/>");
            let half = 3.5 + stroke * 0.7;
            let fill = colour.unwrap_or_else(|| "var(--line)".to_owned());
            let back = y - half * 1.9;
            let _ = writeln!(
                text,
                "    <path d=\"M{:.1} {back:.1}L{:.1} {back:.1}L{x:.1} {y:.1}Z\" style=\"fill:{fill}\"/>",
                x - half,
                x + half
            );
        }
    }

    fn labels(&self, text: &mut String) {
        for (number, (arrow, lines)) in self.arrows.iter().enumerate() {
            let (Some((x, y)), Some(size)) = (self.layout.routes[number].label, label_size(arrow, lines)) else {
                continue;
            };
            let (left, top) = (x - size.width / 2.0, y - size.height / 2.0);
            let _ = writeln!(
                text,
                "    <rect class=\"behind\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"4\"/>",
                size.width, size.height
            );
            let mut baseline = top + 2.0;
            for line in lines {
                baseline += TEXT * LEADING;
                let at = baseline - TEXT * 0.35;
                let _ = writeln!(
                    text,
                    "    <text text-anchor=\"middle\" x=\"{x:.1}\" y=\"{at:.1}\">{}</text>",
                    escaped(line)
                );
            }
            if let Some(share) = share_line(arrow) {
                baseline += SMALL * LEADING;
                let at = baseline - SMALL * 0.35;
                let _ = writeln!(
                    text,
                    "    <text class=\"count\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{at:.1}\">{share}</text>"
                );
            }
        }
    }
}

/// The boxes, with references for what leads back or far away, and the arrows between them.
fn unfolded(picture: &Picture) -> (Vec<(Box, Option<usize>)>, Vec<Arrow>) {
    let back = leading_back(picture);
    let kept: Vec<(usize, usize)> = picture
        .arrows
        .iter()
        .enumerate()
        .filter(|(number, _)| !back.contains(number))
        .map(|(_, arrow)| (arrow.from, arrow.to))
        .collect();
    let ranks = ranks(picture.boxes.len(), &kept);
    let mut boxes: Vec<(Box, Option<usize>)> = picture.boxes.iter().map(|drawn| (drawn.clone(), None)).collect();
    let mut arrows = Vec::new();
    for (number, arrow) in picture.arrows.iter().enumerate() {
        let mut arrow = arrow.clone();
        let down = ranks[arrow.to].saturating_sub(ranks[arrow.from]);
        let back = back.contains(&number);
        // What is not what the flow is for crosses nobody's way.
        if back || down > FARTHEST || arrow.aside && down > 1 {
            let target = &picture.boxes[arrow.to];
            let name = match (arrow.to == arrow.from, back) {
                (true, _) => "↻ once more".to_owned(),
                (_, true) => format!("↑ {}", target.name),
                _ => format!("→ {}", target.name),
            };
            let drawn = Box {
                name: String::new(),
                look: Look::Pointer,
                caption: String::new(),
                lines: vec![name],
                callers: None,
                lost: None,
            };
            boxes.push((drawn, Some(arrow.to)));
            arrow.to = boxes.len() - 1;
        }
        arrows.push(arrow);
    }
    (boxes, arrows)
}

/// The arrows that lead to a box from which one has come.
fn leading_back(picture: &Picture) -> BTreeSet<usize> {
    let mut out = vec![Vec::new(); picture.boxes.len()];
    for (number, arrow) in picture.arrows.iter().enumerate() {
        out[arrow.from].push(number);
    }
    let mut back = BTreeSet::new();
    let (mut on_the_way, mut done) = (vec![false; out.len()], vec![false; out.len()]);
    for root in 0..out.len() {
        let mut stack = vec![(root, 0)];
        while let Some((at, way)) = stack.pop() {
            if way == 0 {
                if done[at] || on_the_way[at] {
                    continue;
                }
                on_the_way[at] = true;
            }
            match out[at].get(way) {
                Some(number) => {
                    stack.push((at, way + 1));
                    let to = picture.arrows[*number].to;
                    if on_the_way[to] {
                        back.insert(*number);
                    } else if !done[to] {
                        stack.push((to, 0));
                    }
                }
                None => {
                    on_the_way[at] = false;
                    done[at] = true;
                }
            }
        }
    }
    back
}

fn shown(drawn: Box, to: Option<usize>) -> Shown {
    let mut lines: Vec<String> =
        drawn.lines.iter().flat_map(|line| wrapped(line, TEXT, BOX_TEXT_WIDTH, LINES_MAX)).collect();
    lines.extend(callers_line(&drawn));
    let widest = lines.iter().map(|line| measure(line, TEXT)).fold(0.0, f64::max);
    let named = measure(&drawn.name, NAME * 1.06).max(measure(&drawn.caption, SMALL));
    let head = if drawn.name.is_empty() { 0.0 } else { SMALL * LEADING + NAME * LEADING };
    let (padding, least) = if drawn.look == Look::Pointer { (4.0, 20.0) } else { (PADDING, 64.0) };
    let width = (widest.max(named) + padding * 2.0 + 4.0).max(least);
    let height = head + lines.len() as f64 * TEXT * LEADING + padding * 1.5;
    Shown { drawn, to, lines, size: Size { width, height } }
}

fn label_size(arrow: &Arrow, lines: &[String]) -> Option<Size> {
    let share = share_line(arrow);
    if lines.is_empty() && share.is_none() {
        return None;
    }
    let words = lines.iter().map(|line| measure(line, TEXT)).fold(0.0, f64::max);
    let width = words.max(share.as_ref().map_or(0.0, |share| measure(share, SMALL))) + 10.0;
    let height = lines.len() as f64 * TEXT * LEADING + if share.is_some() { SMALL * LEADING } else { 0.0 } + 4.0;
    Some(Size { width, height })
}

fn draw_box(text: &mut String, shown: &Shown, name: Option<&str>, link: Option<&str>, x: f64, y: f64) {
    let class = match shown.drawn.look {
        Look::Start => "start",
        Look::Speech => "speech",
        Look::Question => "question",
        Look::Fork => "fork",
        Look::Person => "person",
        Look::Flow => "flow",
        Look::Quiet => "quiet",
        Look::End => "end",
        Look::Pointer => "pointer",
    };
    let Size { width, height } = shown.size;
    let id = name.map_or(String::new(), |name| format!(" id=\"{name}\""));
    let _ = writeln!(text, "    <g class=\"{class}\"{id} transform=\"translate({x:.1} {y:.1})\">");
    if let Some(link) = link {
        let _ = writeln!(text, "      <a href=\"#{link}\">");
    }
    let round = if matches!(shown.drawn.look, Look::Start | Look::End) { (height / 2.0).min(18.0) } else { 6.0 };
    if shown.drawn.look == Look::Fork {
        // Cut corners, as of a signpost.
        let (right, low, cut) = (width, height, 9.0_f64.min(height / 3.0));
        let _ = writeln!(
            text,
            "      <path class=\"box\" d=\"M{cut} 0H{:.1}L{right:.1} {cut}V{:.1}L{:.1} {low:.1}H{cut}L0 {:.1}V{cut}Z\"/>",
            right - cut,
            low - cut,
            right - cut,
            low - cut
        );
    } else {
        let _ =
            writeln!(text, "      <rect class=\"box\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.0}\"/>");
    }
    let middle = width / 2.0;
    let mut baseline = if shown.drawn.look == Look::Pointer { 3.0 } else { PADDING * 0.75 };
    let mut put = |class: &str, size: f64, line: &str| {
        baseline += size * LEADING;
        let at = baseline - size * 0.32;
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let _ = writeln!(
            text,
            "      <text{class} text-anchor=\"middle\" x=\"{middle:.1}\" y=\"{at:.1}\">{}</text>",
            escaped(line)
        );
    };
    if !shown.drawn.name.is_empty() {
        put("caption", SMALL, &shown.drawn.caption.to_uppercase());
        put("name", NAME, &shown.drawn.name);
    }
    let counted = usize::from(shown.drawn.callers.is_some());
    let words = shown.lines.len() - counted;
    for (number, line) in shown.lines.iter().enumerate() {
        put(if number >= words { "count" } else { "" }, TEXT, line);
    }
    if link.is_some() {
        text.push_str("      </a>\n");
    }
    text.push_str("    </g>\n");
}

/// Straight within a row, curved between two; it ends where the head of the arrow begins.
fn path(points: &[(f64, f64)], stroke: f64) -> (String, (f64, f64)) {
    let end = points[points.len() - 1];
    let head = (3.5 + stroke * 0.7) * 1.9;
    let mut path = format!("M{:.1} {:.1}", points[0].0, points[0].1);
    for pair in points.windows(2) {
        let [(x0, y0), (x1, mut y1)] = [pair[0], pair[1]];
        if (x1, y1) == end {
            y1 -= head * 0.8;
        }
        if (x0 - x1).abs() < 0.05 {
            let _ = write!(path, "V{y1:.1}");
        } else {
            let middle = (y0 + y1) / 2.0;
            let _ = write!(path, "C{x0:.1} {middle:.1} {x1:.1} {middle:.1} {x1:.1} {y1:.1}");
        }
    }
    (path, end)
}

/// How wide a text is, about: fonts differ, and none is asked.
fn measure(text: &str, size: f64) -> f64 {
    let wide = |character: char| match character {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | 'I' | ' ' | '’' => 0.31,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '“' | '”' | '"' => 0.4,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '→' | '…' | '↑' | '↩' | '↻' | '☎' | '♪' => 0.92,
        c if c.is_ascii_uppercase() => 0.7,
        c if c.is_ascii() => 0.57,
        c if u32::from(c) > 0x2e80 => 1.05,
        _ => 0.62,
    };
    text.chars().map(wide).sum::<f64>() * size
}

/// A text in lines of at most this width; what is left after the last one is left out.
fn wrapped(text: &str, size: f64, width: f64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if measure(line, size) + measure(word, size) + size * 0.31 <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    // A single word can be wider than a line.
    for line in &mut lines {
        while measure(line, size) > width * 1.2 && line.chars().count() > 8 {
            let cut: String = line.chars().take(line.chars().count() - 4).collect();
            *line = format!("{cut}…");
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no others.
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
