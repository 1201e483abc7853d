//! Where the boxes of a picture stand and how its arrows run: a layered drawing after Sugiyama, Tagawa and Toda (1981).
//!
//! Boxes stand in rows, so that every arrow leads down. An arrow that passes rows has a bend in each, and its label stands in a row
//! between, so that neither ever lies over a box. The order in the rows is improved by barycentres and by exchanging neighbours until
//! no crossing goes away; the places in a row are the least squares of what pulls at them, by pooling adjacent violators.
//! Equal input gives equal output.

/// Between two boxes side by side, two labels, two bends.
const BOX_GAP: f64 = 26.0;
const LABEL_GAP: f64 = 12.0;
const BEND_GAP: f64 = 10.0;
/// How wide a bend counts.
const BEND_WIDTH: f64 = 6.0;
/// Between two rows, at least and at most.
const ROW_GAP: f64 = 14.0;
const ROW_GAP_MAX: f64 = 64.0;
/// Arrows leave and reach a box so far apart at most.
const PORT_GAP: f64 = 24.0;
/// Rounds of improvement.
const ORDER_ROUNDS: usize = 24;
const ORDER_ROUNDS_IN_VAIN: usize = 5;
const PLACE_ROUNDS: usize = 14;
/// With more places than this neighbours are not exchanged one by one.
const EXCHANGE_MAX: usize = 6000;

/// How large something is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Size {
    pub width: f64,
    pub height: f64,
}

/// An arrow between two boxes, with the size of its label. There must be no way round in circles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub from: usize,
    pub to: usize,
    pub label: Option<Size>,
}

/// A drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Layout {
    pub size: Size,
    /// The upper left corner of each box.
    pub boxes: Vec<(f64, f64)>,
    /// Each arrow.
    pub routes: Vec<Route>,
}

/// How an arrow runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Route {
    /// From the lower edge of a box to the upper edge of another: straight down within a row, curved between rows.
    pub points: Vec<(f64, f64)>,
    /// The middle of its label.
    pub label: Option<(f64, f64)>,
}

/// How far down each box stands: below everything that leads to it.
pub(super) fn ranks(boxes: usize, links: &[(usize, usize)]) -> Vec<usize> {
    let mut waiting = vec![0_usize; boxes];
    let mut out = vec![Vec::new(); boxes];
    for (from, to) in links {
        waiting[*to] += 1;
        out[*from].push(*to);
    }
    let mut ranks = vec![0; boxes];
    let mut free: Vec<usize> = (0..boxes).filter(|at| waiting[*at] == 0).collect();
    let mut next = 0;
    while let Some(at) = free.get(next).copied() {
        next += 1;
        for to in &out[at] {
            ranks[*to] = ranks[*to].max(ranks[at] + 1);
            waiting[*to] -= 1;
            if waiting[*to] == 0 {
                free.push(*to);
            }
        }
    }
    ranks
}

/// What stands in a row.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Box(usize),
    Label,
    Bend,
}

struct Vertex {
    kind: Kind,
    size: Size,
    row: usize,
    /// Those above and below that it is joined with.
    above: Vec<usize>,
    below: Vec<usize>,
    x: f64,
    /// Its place in the first order, in which one would read.
    home: usize,
}

/// Places boxes and arrows.
pub(super) fn layout(boxes: &[Size], links: &[Link]) -> Layout {
    if boxes.is_empty() {
        return Layout::default();
    }
    let pairs: Vec<(usize, usize)> = links.iter().map(|link| (link.from, link.to)).collect();
    let ranks = ranks(boxes.len(), &pairs);
    let mut drawing = Drawing { vertices: Vec::new(), rows: Vec::new(), chains: Vec::new() };
    drawing.fill(boxes, links, &ranks);
    drawing.arrange();
    drawing.place();
    drawing.finish(boxes, links)
}

struct Drawing {
    vertices: Vec<Vertex>,
    /// From the top, and in each from the left.
    rows: Vec<Vec<usize>>,
    /// The vertices of each arrow, from its box to the other.
    chains: Vec<Vec<usize>>,
}

impl Drawing {
    /// Boxes stand in even rows, labels and bends in the odd ones as well.
    fn fill(&mut self, boxes: &[Size], links: &[Link], ranks: &[usize]) {
        let rows = ranks.iter().max().map_or(0, |last| last * 2) + 1;
        self.rows = vec![Vec::new(); rows];
        for (number, (size, rank)) in boxes.iter().zip(ranks).enumerate() {
            self.add(Kind::Box(number), *size, rank * 2);
        }
        for link in links {
            let (first, last) = (ranks[link.from] * 2, ranks[link.to] * 2);
            let mut chain = vec![link.from];
            for row in first + 1..last {
                let (kind, size) = match link.label {
                    Some(size) if row == first + 1 => (Kind::Label, size),
                    _ => (Kind::Bend, Size { width: BEND_WIDTH, height: 0.0 }),
                };
                chain.push(self.add(kind, size, row));
            }
            chain.push(link.to);
            for pair in chain.windows(2) {
                self.vertices[pair[0]].below.push(pair[1]);
                self.vertices[pair[1]].above.push(pair[0]);
            }
            self.chains.push(chain);
        }
        // The first order is that in which one would read: depth first, the first way first.
        let mut seen = vec![false; self.vertices.len()];
        for root in 0..boxes.len() {
            let mut stack = if self.vertices[root].above.is_empty() { vec![root] } else { Vec::new() };
            while let Some(at) = stack.pop() {
                if std::mem::replace(&mut seen[at], true) {
                    continue;
                }
                let row = self.vertices[at].row;
                self.vertices[at].home = self.rows[row].len();
                self.rows[row].push(at);
                stack.extend(self.vertices[at].below.iter().rev().filter(|below| !seen[**below]));
            }
        }
    }

    fn add(&mut self, kind: Kind, size: Size, row: usize) -> usize {
        self.vertices.push(Vertex { kind, size, row, above: Vec::new(), below: Vec::new(), x: 0.0, home: 0 });
        self.vertices.len() - 1
    }

    /// The place of each vertex in its row.
    fn positions(&self) -> Vec<usize> {
        let mut positions = vec![0; self.vertices.len()];
        for row in &self.rows {
            for (position, at) in row.iter().enumerate() {
                positions[*at] = position;
            }
        }
        positions
    }

    /// How many pairs of arrows cross each other between each row and the next.
    fn crossings(&self, positions: &[usize]) -> usize {
        self.rows.iter().map(|row| crossings_below(self, row, positions)).sum()
    }

    /// Crossings and, where these are the same, neighbours that one would read the other way round.
    fn disorder(&self, positions: &[usize]) -> (usize, usize) {
        let turned = |row: &Vec<usize>| {
            row.windows(2).filter(|pair| self.vertices[pair[0]].home > self.vertices[pair[1]].home).count()
        };
        (self.crossings(positions), self.rows.iter().map(turned).sum())
    }

    /// Improves the order in the rows.
    fn arrange(&mut self) {
        let mut positions = self.positions();
        let mut best = (self.disorder(&positions), self.rows.clone());
        let mut in_vain = 0;
        for round in 0..ORDER_ROUNDS {
            if best.0 == (0, 0) || in_vain >= ORDER_ROUNDS_IN_VAIN {
                break;
            }
            let down = round % 2 == 0;
            let count = self.rows.len();
            for step in 1..count {
                let row = if down { step } else { count - 1 - step };
                self.sort_row(row, down, &mut positions);
            }
            if self.vertices.len() <= EXCHANGE_MAX {
                self.exchange(&mut positions);
            }
            let disorder = self.disorder(&positions);
            if disorder < best.0 {
                best = (disorder, self.rows.clone());
                in_vain = 0;
            } else {
                in_vain += 1;
            }
        }
        self.rows = best.1;
    }

    /// Orders a row by the middle of what each is joined with in the row before; who is joined with nothing stays.
    fn sort_row(&mut self, row: usize, down: bool, positions: &mut [usize]) {
        let mut keyed: Vec<(f64, usize)> = self.rows[row]
            .iter()
            .map(|at| {
                let vertex = &self.vertices[*at];
                let joined = if down { &vertex.above } else { &vertex.below };
                let middle = match joined.len() {
                    0 => positions[*at] as f64,
                    many => joined.iter().map(|other| positions[*other] as f64).sum::<f64>() / many as f64,
                };
                (middle, *at)
            })
            .collect();
        keyed.sort_by(|left, right| left.0.total_cmp(&right.0));
        self.rows[row] = keyed.into_iter().map(|(_, at)| at).collect();
        for (position, at) in self.rows[row].iter().enumerate() {
            positions[*at] = position;
        }
    }

    /// Exchanges neighbours while that takes away crossings, or makes them stand as one would read without a new one.
    fn exchange(&mut self, positions: &mut [usize]) {
        for row in 0..self.rows.len() {
            let mut improved = true;
            let mut rounds = 0;
            while improved && rounds < 8 {
                improved = false;
                rounds += 1;
                for left in 0..self.rows[row].len().saturating_sub(1) {
                    let (a, b) = (self.rows[row][left], self.rows[row][left + 1]);
                    let (before, after) = (self.crossed(a, b, positions), self.crossed(b, a, positions));
                    let turned = self.vertices[a].home > self.vertices[b].home;
                    if after < before || after == before && turned {
                        self.rows[row].swap(left, left + 1);
                        positions.swap(a, b);
                        improved = true;
                    }
                }
            }
        }
    }

    /// How many pairs cross when `left` stands beside and before `right`.
    fn crossed(&self, left: usize, right: usize, positions: &[usize]) -> usize {
        let count = |left: &[usize], right: &[usize]| {
            let pairs = left.iter().flat_map(|l| right.iter().map(move |r| (positions[*l], positions[*r])));
            pairs.filter(|(l, r)| l > r).count()
        };
        let (left, right) = (&self.vertices[left], &self.vertices[right]);
        count(&left.above, &right.above) + count(&left.below, &right.below)
    }

    /// Finds the places in the rows.
    fn place(&mut self) {
        for row in 0..self.rows.len() {
            let wanted = vec![(0.0, 1.0); self.rows[row].len()];
            self.settle(row, &wanted);
        }
        let count = self.rows.len();
        for round in 0..PLACE_ROUNDS {
            for step in 0..count {
                let row = if round % 2 == 0 { step } else { count - 1 - step };
                // The last rounds heed both sides.
                let both = round + 4 >= PLACE_ROUNDS;
                let wanted: Vec<(f64, f64)> =
                    self.rows[row].iter().map(|at| self.wanted(*at, round % 2 == 0, both)).collect();
                self.settle(row, &wanted);
            }
        }
    }

    /// Where a vertex is pulled to, and how hard: arrows between bends are straight.
    fn wanted(&self, at: usize, down: bool, both: bool) -> (f64, f64) {
        let vertex = &self.vertices[at];
        let (mut sum, mut weight) = (0.0, 0.0);
        let mut pull = |others: &[usize]| {
            for other in others {
                let other = &self.vertices[*other];
                let is_line = |kind: Kind| matches!(kind, Kind::Bend | Kind::Label);
                let strength = if is_line(vertex.kind) && is_line(other.kind) { 4.0 } else { 1.0 };
                sum += other.x * strength;
                weight += strength;
            }
        };
        if down || both || vertex.below.is_empty() {
            pull(&vertex.above);
        }
        if !down || both || vertex.above.is_empty() {
            pull(&vertex.below);
        }
        if weight == 0.0 { (vertex.x, 0.1) } else { (sum / weight, weight) }
    }

    /// Gives a row the places that are nearest to the wanted ones (least squares), with its order and the gaps kept.
    fn settle(&mut self, row: usize, wanted: &[(f64, f64)]) {
        let mut offset = 0.0;
        let mut offsets = Vec::with_capacity(wanted.len());
        for (position, at) in self.rows[row].iter().enumerate() {
            if let Some(before) = position.checked_sub(1) {
                offset += self.apart(self.rows[row][before], *at);
            }
            offsets.push(offset);
        }
        // Blocks of neighbours that touch: the sum of weighted places, the weight, how many.
        let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
        for ((place, weight), offset) in wanted.iter().zip(&offsets) {
            blocks.push(((place - offset) * weight, *weight, 1));
            while let [.., left, right] = blocks.as_slice() {
                if left.0 / left.1 <= right.0 / right.1 {
                    break;
                }
                let joined = (left.0 + right.0, left.1 + right.1, left.2 + right.2);
                blocks.truncate(blocks.len() - 2);
                blocks.push(joined);
            }
        }
        let places = blocks.iter().flat_map(|(sum, weight, count)| std::iter::repeat_n(sum / weight, *count));
        let placed: Vec<f64> = places.zip(&offsets).map(|(place, offset)| place + offset).collect();
        for (at, x) in self.rows[row].iter().zip(placed) {
            self.vertices[*at].x = x;
        }
    }

    /// How far apart the middles of two neighbours stand.
    fn apart(&self, left: usize, right: usize) -> f64 {
        let (left, right) = (&self.vertices[left], &self.vertices[right]);
        let gap = match (left.kind, right.kind) {
            (Kind::Box(_), Kind::Box(_)) => BOX_GAP,
            (Kind::Bend, Kind::Bend) => BEND_GAP,
            _ => LABEL_GAP,
        };
        (left.size.width + right.size.width) / 2.0 + gap
    }

    fn finish(&mut self, boxes: &[Size], links: &[Link]) -> Layout {
        let left = self.vertices.iter().map(|vertex| vertex.x - vertex.size.width / 2.0).fold(f64::INFINITY, f64::min);
        for vertex in &mut self.vertices {
            vertex.x -= left;
        }
        let width = self.vertices.iter().map(|vertex| vertex.x + vertex.size.width / 2.0).fold(0.0, f64::max);
        let heights: Vec<f64> = self
            .rows
            .iter()
            .map(|row| row.iter().map(|at| self.vertices[*at].size.height).fold(0.0, f64::max))
            .collect();
        // Where arrows go far to the side they need room to do so.
        let mut tops = Vec::with_capacity(self.rows.len());
        let mut y = 0.0;
        for (row, height) in heights.iter().enumerate() {
            tops.push(y);
            let aside = |at: &usize| {
                let vertex = &self.vertices[*at];
                vertex.below.iter().map(|below| (self.vertices[*below].x - vertex.x).abs()).fold(0.0, f64::max)
            };
            let furthest = self.rows[row].iter().map(aside).fold(0.0, f64::max);
            y += height + (ROW_GAP + furthest * 0.07).min(ROW_GAP_MAX);
        }
        let bottom = tops.last().copied().unwrap_or(0.0) + heights.last().copied().unwrap_or(0.0);
        let corners = boxes.iter().enumerate().map(|(number, size)| {
            let vertex = &self.vertices[number];
            (vertex.x - size.width / 2.0, tops[vertex.row])
        });
        let corners: Vec<(f64, f64)> = corners.collect();
        let (leaving, reaching) = self.ports(boxes, links);
        let routes = links.iter().enumerate().map(|(number, link)| {
            let chain = &self.chains[number];
            let row = |at: usize| self.vertices[at].row;
            let (from, to) = (row(chain[0]), row(chain[chain.len() - 1]));
            let mut points = vec![
                (leaving[number], tops[from] + boxes[link.from].height),
                (leaving[number], tops[from] + heights[from]),
            ];
            let mut label = None;
            // Between neighbouring rows of boxes an arrow needs no bend where nothing stands in its way.
            let direct = chain.len() == 3 && self.is_free(chain[1], leaving[number], reaching[number]);
            let inner = if direct { &[][..] } else { &chain[1..chain.len() - 1] };
            for at in inner {
                let vertex = &self.vertices[*at];
                let (top, height) = (tops[vertex.row], heights[vertex.row]);
                points.extend([(vertex.x, top), (vertex.x, top + height)]);
                if vertex.kind == Kind::Label {
                    label = Some((vertex.x, top + height / 2.0));
                }
            }
            points.push((reaching[number], tops[to]));
            Route { points, label }
        });
        Layout { size: Size { width, height: bottom }, routes: routes.collect(), boxes: corners }
    }

    /// Whether a bend, and not a label, is all that stands between two places in its row.
    fn is_free(&self, bend: usize, from: f64, to: f64) -> bool {
        let (left, right) = (from.min(to) - BEND_GAP, from.max(to) + BEND_GAP);
        let in_the_way = |at: &usize| {
            let vertex = &self.vertices[*at];
            let half = vertex.size.width / 2.0;
            *at != bend && vertex.x - half < right && vertex.x + half > left
        };
        self.vertices[bend].kind == Kind::Bend && !self.rows[self.vertices[bend].row].iter().any(in_the_way)
    }

    /// Where each arrow leaves its box and reaches the other, side by side in the order in which they go on.
    fn ports(&self, boxes: &[Size], links: &[Link]) -> (Vec<f64>, Vec<f64>) {
        let (mut leaving, mut reaching) = (vec![0.0; links.len()], vec![0.0; links.len()]);
        for (number, size) in boxes.iter().enumerate() {
            let middle = self.vertices[number].x;
            let spread = |mut ends: Vec<(f64, usize)>, places: &mut Vec<f64>| {
                ends.sort_by(|left, right| left.0.total_cmp(&right.0));
                let gap = PORT_GAP.min((size.width - 24.0).max(0.0) / ends.len().max(1) as f64);
                let first = middle - gap * (ends.len().saturating_sub(1)) as f64 / 2.0;
                for (position, (_, link)) in ends.iter().enumerate() {
                    places[*link] = first + gap * position as f64;
                }
                // A single one is straight where it can be.
                if let [(x, link)] = ends.as_slice() {
                    let reach = (size.width / 2.0 - 16.0).max(0.0);
                    places[*link] = x.clamp(middle - reach, middle + reach);
                }
            };
            let ends = |out: bool| {
                let mine = links.iter().enumerate().filter(|(_, link)| number == if out { link.from } else { link.to });
                mine.map(|(link, _)| {
                    let chain = &self.chains[link];
                    let next = if out { chain[1] } else { chain[chain.len() - 2] };
                    (self.vertices[next].x, link)
                })
                .collect::<Vec<_>>()
            };
            spread(ends(true), &mut leaving);
            spread(ends(false), &mut reaching);
        }
        (leaving, reaching)
    }
}

/// Crossings between a row and the next: pairs of arrows whose ends are the other way round.
fn crossings_below(drawing: &Drawing, row: &[usize], positions: &[usize]) -> usize {
    let mut ends: Vec<usize> = Vec::new();
    for at in row {
        let mut below: Vec<usize> = drawing.vertices[*at].below.iter().map(|below| positions[*below]).collect();
        below.sort_unstable();
        ends.extend(below);
    }
    // A Fenwick tree counts, for each end, the earlier ones to its right.
    let size = ends.iter().max().map_or(0, |last| last + 1);
    let mut tree = vec![0_usize; size + 1];
    let mut crossings = 0;
    for (before, end) in ends.iter().enumerate() {
        let mut at = end + 1;
        let mut not_right = 0;
        while at > 0 {
            not_right += tree[at];
            at &= at - 1;
        }
        crossings += before - not_right;
        let mut at = end + 1;
        while at <= size {
            tree[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    crossings
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Size = Size { width: 120.0, height: 40.0 };
    const LABEL: Size = Size { width: 60.0, height: 14.0 };

    /// Boxes and labels that lie over each other.
    fn overlaps(layout: &Layout, boxes: &[Size], links: &[Link]) -> usize {
        let mut areas: Vec<(f64, f64, f64, f64)> =
            layout.boxes.iter().zip(boxes).map(|((x, y), size)| (*x, *y, x + size.width, y + size.height)).collect();
        for (route, link) in layout.routes.iter().zip(links) {
            if let (Some((x, y)), Some(size)) = (route.label, link.label) {
                let (half, tall) = (size.width / 2.0, size.height / 2.0);
                areas.push((x - half, y - tall, x + half, y + tall));
            }
        }
        let mut count = 0;
        for (number, a) in areas.iter().enumerate() {
            count += areas[number + 1..]
                .iter()
                .filter(|b| a.0 + 0.01 < b.2 && b.0 + 0.01 < a.2 && a.1 + 0.01 < b.3 && b.1 + 0.01 < a.3)
                .count();
        }
        count
    }

    fn link(from: usize, to: usize) -> Link {
        Link { from, to, label: Some(LABEL) }
    }

    #[test]
    fn a_tree_has_no_crossing_and_nothing_overlaps() {
        let boxes = vec![BOX; 7];
        let links = [link(0, 1), link(0, 2), link(1, 3), link(1, 4), link(2, 5), link(2, 6)];
        let layout = layout(&boxes, &links);
        assert_eq!(overlaps(&layout, &boxes, &links), 0);
        let middle = |number: usize| layout.boxes[number].0;
        assert!((middle(0) - (middle(1) + middle(2)) / 2.0).abs() < 1.0, "{layout:?}");
        assert!(middle(3) < middle(4) && middle(4) < middle(5) && middle(5) < middle(6));
    }

    #[test]
    fn two_crossed_ways_are_uncrossed() {
        // 0 leads to 3 and 1 leads to 2.
        let pairs = [(4, 0), (4, 1), (0, 3), (1, 2)];
        let links: Vec<Link> = pairs.iter().map(|(from, to)| link(*from, *to)).collect();
        let mut drawing = Drawing { vertices: Vec::new(), rows: Vec::new(), chains: Vec::new() };
        let boxes = vec![BOX; 5];
        drawing.fill(&boxes, &links, &ranks(5, &pairs));
        drawing.arrange();
        assert_eq!(drawing.crossings(&drawing.positions()), 0);
    }

    #[test]
    fn random_drawings_keep_their_promises() {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        println!("SEED={seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..60 {
            let count = random.usize(1..40);
            let boxes: Vec<Size> = (0..count)
                .map(|_| Size { width: random.u32(30..240).into(), height: random.u32(20..120).into() })
                .collect();
            let mut links = Vec::new();
            for to in 1..count {
                for _ in 0..random.usize(0..3) {
                    let label = random.bool().then(|| Size { width: random.u32(10..200).into(), height: 28.0 });
                    links.push(Link { from: random.usize(0..to), to, label });
                }
            }
            let layout = layout(&boxes, &links);
            assert_eq!(overlaps(&layout, &boxes, &links), 0, "{boxes:?} {links:?}");
            assert_eq!(layout, super::layout(&boxes, &links), "it is the same each time");
            for (route, link) in layout.routes.iter().zip(&links) {
                assert!(route.points.windows(2).all(|pair| pair[0].1 <= pair[1].1 + 0.01), "arrows lead down");
                assert_eq!(route.label.is_some(), link.label.is_some());
                let (x, _) = layout.boxes[link.to];
                let (end, _) = route.points[route.points.len() - 1];
                assert!((x..=x + boxes[link.to].width).contains(&end), "{route:?}");
            }
            assert!(layout.boxes.iter().all(|(x, y)| *x >= -0.01 && *y >= -0.01 && *x < layout.size.width));
        }
    }
}
