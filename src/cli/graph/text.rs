//! A picture as the text of another program: Mermaid's flowcharts, Graphviz' DOT.

use std::fmt::Write;

use super::picture::{Arrow, Box, Look, Picture, identities, most_callers};

/// Mermaid: <https://mermaid.js.org/syntax/flowchart.html>.
pub(super) fn mermaid(picture: &Picture) -> String {
    let mut text = format!("---\ntitle: {}\n---\nflowchart TD\n", yaml_text(&picture.title));
    let names = identities(picture);
    for (drawn, name) in picture.boxes.iter().zip(&names) {
        let label = mermaid_text(&box_lines(drawn), drawn);
        let (open, close, class) = match drawn.look {
            Look::Start => ("([", "])", "start"),
            Look::Speech => ("[", "]", "speech"),
            Look::Question => ("[/", "/]", "question"),
            Look::Fork => ("{{", "}}", "fork"),
            Look::Person => ("[[", "]]", "person"),
            Look::Flow => ("[[", "]]", "flow"),
            Look::Quiet => ("[", "]", "quiet"),
            Look::End => ("([", "])", "finish"),
            Look::Pointer => ("([", "])", "pointer"),
        };
        let _ = writeln!(text, "  {name}{open}\"{label}\"{close}:::{class}");
    }
    let most = most_callers(picture);
    let mut styles = String::new();
    for (number, arrow) in picture.arrows.iter().enumerate() {
        let line = if arrow.aside { "-.->" } else { "-->" };
        let label = arrow_lines(arrow).iter().map(|line| mermaid_escaped(line)).collect::<Vec<_>>().join("<br/>");
        let label = if label.is_empty() { label } else { format!("|\"{label}\"|") };
        let _ = writeln!(text, "  {} {line}{label} {}", names[arrow.from], names[arrow.to]);
        if let Some((callers, _)) = arrow.callers {
            let width = width(callers, most);
            let _ = writeln!(styles, "  linkStyle {number} stroke:{},stroke-width:{width:.1}px", colour(callers, most));
        }
    }
    if !picture.legend.is_empty() {
        let lines = picture.legend.iter().map(|line| mermaid_escaped(line)).collect::<Vec<_>>().join("<br/>");
        let _ = writeln!(text, "  legend[\"{lines}\"]:::legend");
    }
    text.push_str(&styles);
    // Strokes alone: the theme, light or dark, keeps its own ground and ink.
    for (class, style) in [
        ("start", "stroke:#2f9e44,stroke-width:2px"),
        ("speech", "stroke:#4c6ef5"),
        ("question", "stroke:#f08c00,stroke-width:2px"),
        ("fork", "stroke:#ae3ec9"),
        ("person", "stroke:#2f9e44,stroke-width:3px"),
        ("flow", "stroke:#1098ad"),
        ("quiet", "stroke:#868e96,stroke-dasharray:3 3"),
        ("finish", "stroke:#e03131"),
        ("pointer", "stroke:#868e96"),
        ("legend", "stroke:none,fill:none"),
    ] {
        let _ = writeln!(text, "  classDef {class} {style}");
    }
    text
}

/// DOT: <https://graphviz.org/doc/info/lang.html>.
pub(super) fn dot(picture: &Picture) -> String {
    let mut text = format!("digraph {} {{\n", dot_text(&picture.title));
    let title = std::iter::once(picture.title.clone()).chain(picture.legend.clone()).collect::<Vec<_>>().join("\n");
    let _ = writeln!(text, "  label={}; labelloc=t; rankdir=TB; fontname=\"Helvetica\";", dot_text(&title));
    text.push_str("  node [fontname=\"Helvetica\", fontsize=11, shape=box, style=rounded];\n");
    text.push_str("  edge [fontname=\"Helvetica\", fontsize=10];\n");
    let names = identities(picture);
    for (drawn, name) in picture.boxes.iter().zip(&names) {
        let (shape, style, stroke) = match drawn.look {
            Look::Start => ("box", "rounded,bold", "#2f9e44"),
            Look::Speech => ("box", "rounded", "#4c6ef5"),
            Look::Question => ("box", "rounded,bold", "#f08c00"),
            Look::Fork => ("hexagon", "solid", "#ae3ec9"),
            Look::Person => ("box", "rounded,bold", "#2f9e44"),
            Look::Flow => ("box3d", "solid", "#1098ad"),
            Look::Quiet => ("box", "rounded,dashed", "#868e96"),
            Look::End => ("box", "rounded", "#e03131"),
            Look::Pointer => ("plaintext", "solid", "#868e96"),
        };
        let label = dot_text(&box_lines(drawn).join("\n"));
        let _ = writeln!(text, "  {name} [label={label}, shape={shape}, style=\"{style}\", color=\"{stroke}\"];");
    }
    let most = most_callers(picture);
    for arrow in &picture.arrows {
        let mut attributes = vec![format!("label={}", dot_text(&arrow_lines(arrow).join("\n")))];
        if arrow.aside {
            attributes.push("style=dashed".to_owned());
        }
        if let Some((callers, _)) = arrow.callers {
            attributes.push(format!("color=\"{}\", penwidth={:.1}", colour(callers, most), width(callers, most)));
        }
        let _ = writeln!(text, "  {} -> {} [{}];", names[arrow.from], names[arrow.to], attributes.join(", "));
    }
    text.push_str("}\n");
    text
}

fn box_lines(drawn: &Box) -> Vec<String> {
    let mut lines = Vec::new();
    match (drawn.name.as_str(), drawn.caption.as_str()) {
        ("", _) => {}
        (name, caption) => lines.push(format!("{name} · {caption}")),
    }
    lines.extend(drawn.lines.iter().cloned());
    lines.extend(callers_line(drawn));
    lines
}

/// "1204 callers, 12 hung up here".
pub(super) fn callers_line(drawn: &Box) -> Option<String> {
    let callers = drawn.callers?;
    let counted = if callers == 1 { "1 caller".to_owned() } else { format!("{callers} callers") };
    Some(match drawn.lost {
        Some(lost) if lost > 0 => format!("{counted}, {lost} hung up here"),
        _ => counted,
    })
}

fn arrow_lines(arrow: &Arrow) -> Vec<String> {
    let mut lines = arrow.labels.clone();
    lines.extend(share_line(arrow));
    lines
}

/// "412 (37 %)".
pub(super) fn share_line(arrow: &Arrow) -> Option<String> {
    arrow.callers.map(|(callers, per_cent)| format!("{callers} ({per_cent} %)"))
}

/// How wide an arrow is, 1 to 9.
pub(super) fn width(callers: u64, most: u64) -> f64 {
    1.0 + 8.0 * (callers as f64 / most as f64).sqrt()
}

/// From a cool grey, which few callers take, to a warm red.
pub(super) fn colour(callers: u64, most: u64) -> String {
    const COLD: [f64; 3] = [134.0, 142.0, 150.0];
    const WARM: [f64; 3] = [224.0, 49.0, 49.0];
    let share = (callers as f64 / most as f64).sqrt();
    let mixed: Vec<String> = COLD
        .iter()
        .zip(WARM)
        .map(|(cold, warm)| format!("{:02x}", (cold + (warm - cold) * share).round() as u8))
        .collect();
    format!("#{}", mixed.concat())
}

fn mermaid_text(lines: &[String], drawn: &Box) -> String {
    let mut lines: Vec<String> = lines.iter().map(|line| mermaid_escaped(line)).collect();
    if let Some(first) = lines.first_mut().filter(|_| !drawn.name.is_empty()) {
        *first = format!("<b>{first}</b>");
    }
    if lines.is_empty() { " ".to_owned() } else { lines.join("<br/>") }
}

/// Mermaid's entity codes: <https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters>.
fn mermaid_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("#quot;"),
            '<' => escaped.push_str("#lt;"),
            '>' => escaped.push_str("#gt;"),
            '&' => escaped.push_str("#amp;"),
            '#' | '`' | '\\' | ';' => {
                let _ = write!(escaped, "#{};", u32::from(character));
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

fn dot_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn yaml_text(text: &str) -> String {
    format!("\"{}\"", text.replace(['"', '\\'], "'"))
}
