//! Where the boxes of a picture lie: layers from top to bottom (Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical
//! system structures", 1981). What is inside an open box is laid out first and is a box of that size outside.
use super::picture::{End, Item, Picture};
use std::collections::HashMap;

/// Height of a line of text.
pub const LINE: f64 = 17.0;
/// Least distance between boxes beside each other.
const BESIDE: f64 = 26.0;
/// Distance between rows, with room for what is written at an edge.
const BELOW: f64 = 40.0;
/// Room around what is inside a box.
const INSIDE: f64 = 16.0;
/// Sweeps that order and place.
const SWEEPS: usize = 12;

/// A box with its place.
#[derive(Debug)]
pub struct Placed {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// What is inside, and where its origin lies within the box.
    pub inner: Option<(Laid, f64, f64)>,
}

/// An edge with its way: from point to point, leaving and entering downward.
#[derive(Debug)]
pub struct Route {
    /// The points.
    pub points: Vec<(f64, f64)>,
    /// Whether it ends at a box, where an arrow belongs.
    pub arrow: bool,
}

/// A picture laid out.
#[derive(Debug, Default)]
pub struct Laid {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// The boxes, in the order of the picture.
    pub items: Vec<Placed>,
    /// The edges, in the order of the picture.
    pub routes: Vec<Route>,
    /// Where the ports above lie.
    pub ins: Vec<f64>,
    /// Where the ports below lie.
    pub outs: Vec<f64>,
}

/// About how wide a text is, at 12 pixels.
pub fn text_width(text: &str) -> f64 {
    text.chars()
        .map(|c| match c {
            'i' | 'l' | 'j' | '.' | ',' | ' ' | '[' | ']' | '(' | ')' | '|' | '\'' | 't' | 'f' => {
                4.6
            }
            'm' | 'w' | 'M' | 'W' | '@' => 10.6,
            'A'..='Z' | '=' | '+' | '<' | '>' => 8.2,
            _ => 7.2,
        })
        .sum()
}

/// What stands in a row: a box, a port, or an edge that passes.
struct Vertex {
    rank: usize,
    width: f64,
    height: f64,
    /// Room that what is written below it takes to the right of its middle.
    label: f64,
    x: f64,
    passes: bool,
}

/// An edge from one row to the next: its ends, and where it touches them, from their middle.
struct Link {
    from: usize,
    to: usize,
    start: f64,
    end: f64,
}

/// Lays out a picture.
pub fn lay_out(picture: &Picture) -> Laid {
    let sized: Vec<Placed> = picture.items.iter().map(size).collect();
    let ranks = ranks(picture);
    let count = picture.items.len();
    let last = ranks.iter().copied().max().unwrap_or(0) + usize::from(picture.outs > 0);
    let mut vertices: Vec<Vertex> = Vec::new();
    for (placed, &rank) in sized.iter().zip(&ranks) {
        vertices.push(Vertex {
            rank,
            width: placed.width,
            height: placed.height,
            label: 0.0,
            x: 0.0,
            passes: false,
        });
    }
    let port = |rank| Vertex {
        rank,
        width: 8.0,
        height: 0.0,
        label: 0.0,
        x: 0.0,
        passes: true,
    };
    vertices.extend((0..picture.ins).map(|_| port(0)));
    vertices.extend((0..picture.outs).map(|_| port(last)));
    let attached = |end: End, above: bool| match end {
        End::Item(item, port) => (item, port_of(sized.get(item), port, above)),
        End::Port(port) if above => (count + port, 0.0),
        End::Port(port) => (count + picture.ins + port, 0.0),
    };
    let mut links: Vec<Link> = Vec::new();
    // The vertices that each edge goes through.
    let mut ways: Vec<(Vec<usize>, f64, f64)> = Vec::new();
    for edge in &picture.edges {
        let ((from, start), (to, end)) = (attached(edge.from, true), attached(edge.to, false));
        let room = text_width(&edge.label) * 0.92 + 14.0 + start;
        if !edge.label.is_empty() {
            vertices[from].label = vertices[from].label.max(room);
        }
        let mut way = vec![from];
        for rank in vertices[from].rank + 1..vertices[to].rank {
            vertices.push(port(rank));
            way.push(vertices.len() - 1);
        }
        way.push(to);
        let whole = way.len() - 1;
        for (at, pair) in way.windows(2).enumerate() {
            links.push(Link {
                from: pair[0],
                to: pair[1],
                start: if at == 0 { start } else { 0.0 },
                end: if at + 1 == whole { end } else { 0.0 },
            });
        }
        ways.push((way, start, end));
    }
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); last + 1];
    for (at, vertex) in vertices.iter().enumerate() {
        rows[vertex.rank].push(at);
    }
    order(&mut rows, &links, vertices.len());
    place(&rows, &mut vertices, &links);
    finish(picture, sized, &rows, &vertices, &ways)
}

/// The size of a box.
fn size(item: &Item) -> Placed {
    let text = item.lines.iter().enumerate().map(|(at, line)| {
        let bold = if at == 0 { 1.12 } else { 0.97 };
        text_width(line) * bold
    });
    let text = text.fold(0.0, f64::max);
    let head = item.lines.len() as f64 * LINE + 14.0;
    let mut placed = Placed {
        x: 0.0,
        y: 0.0,
        width: (text + 24.0).max(70.0).ceil(),
        height: head,
        inner: None,
    };
    if let Some(inner) = &item.inner {
        let laid = lay_out(inner);
        let width = (laid.width + 2.0 * INSIDE).max(placed.width);
        let left = (width - laid.width) / 2.0;
        placed.width = width;
        placed.height = head + laid.height + 4.0;
        placed.inner = Some((laid, left, head - 6.0));
    }
    placed
}

/// Where a port of a box lies, from its middle.
fn port_of(placed: Option<&Placed>, port: usize, below: bool) -> f64 {
    let Some(placed) = placed else { return 0.0 };
    let Some((laid, left, _)) = &placed.inner else {
        return 0.0;
    };
    let ports = if below { &laid.outs } else { &laid.ins };
    let x = ports.get(port).map_or(placed.width / 2.0, |x| x + left);
    x - placed.width / 2.0
}

/// The row of each box: below all that it depends on; one that depends on nothing stands just above its first reader.
fn ranks(picture: &Picture) -> Vec<usize> {
    let first = usize::from(picture.ins > 0);
    let mut ranks = vec![first; picture.items.len()];
    let inner = |end: End| match end {
        End::Item(item, _) => Some(item),
        End::Port(_) => None,
    };
    let pairs: Vec<(usize, usize)> = picture
        .edges
        .iter()
        .filter_map(|edge| Some((inner(edge.from)?, inner(edge.to)?)))
        .collect();
    // Boxes come in the order of dependence.
    let mut sorted = pairs.clone();
    sorted.sort_by_key(|(_, to)| *to);
    for (from, to) in &sorted {
        ranks[*to] = ranks[*to].max(ranks[*from] + 1);
    }
    let fed: Vec<usize> = picture.edges.iter().filter_map(|e| inner(e.to)).collect();
    for item in 0..ranks.len() {
        let readers = pairs.iter().filter(|(from, _)| *from == item);
        if let (Some(reader), false) =
            (readers.map(|(_, to)| ranks[*to]).min(), fed.contains(&item))
        {
            ranks[item] = reader.saturating_sub(1).max(first);
        }
    }
    ranks
}

/// Orders the rows by the middle of the neighbours, downward and upward in turns, and keeps the order with the fewest crossings.
fn order(rows: &mut Vec<Vec<usize>>, links: &[Link], count: usize) {
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut above: Vec<Vec<usize>> = vec![Vec::new(); count];
    for link in links {
        below[link.from].push(link.to);
        above[link.to].push(link.from);
    }
    let (mut best, mut fewest) = (rows.clone(), crossings(rows, &below));
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let neighbours = if down { &above } else { &below };
        let numbers: Vec<usize> = match down {
            true => (1..rows.len()).collect(),
            false => (0..rows.len().saturating_sub(1)).rev().collect(),
        };
        for row in numbers {
            let beside = if down { row - 1 } else { row + 1 };
            let places = places(&rows[beside]);
            let mut keyed: Vec<(f64, usize)> = Vec::new();
            for (at, &vertex) in rows[row].iter().enumerate() {
                let known = neighbours[vertex].iter().filter_map(|n| places.get(n));
                let (sum, number) = known.fold((0.0, 0), |(s, n), &p| (s + p as f64, n + 1));
                let own = at as f64;
                keyed.push((
                    if number == 0 {
                        own
                    } else {
                        sum / number as f64
                    },
                    vertex,
                ));
            }
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            rows[row] = keyed.into_iter().map(|(_, vertex)| vertex).collect();
        }
        let now = crossings(rows, &below);
        if now < fewest {
            (best, fewest) = (rows.clone(), now);
        }
    }
    *rows = best;
}

fn places(row: &[usize]) -> HashMap<usize, usize> {
    row.iter().enumerate().map(|(at, &v)| (v, at)).collect()
}

/// How many pairs of edges between neighbouring rows cross.
fn crossings(rows: &[Vec<usize>], below: &[Vec<usize>]) -> usize {
    let mut crossings = 0;
    for pair in rows.windows(2) {
        let places = places(&pair[1]);
        let mut ends: Vec<usize> = Vec::new();
        for &vertex in &pair[0] {
            let mut own: Vec<usize> = below[vertex]
                .iter()
                .filter_map(|to| places.get(to).copied())
                .collect();
            own.sort_unstable();
            ends.extend(own);
        }
        for (at, end) in ends.iter().enumerate() {
            crossings += ends[..at].iter().filter(|earlier| *earlier > end).count();
        }
    }
    crossings
}

/// Gives each vertex its middle: near its neighbours, in the order of its row, with room between.
fn place(rows: &[Vec<usize>], vertices: &mut [Vertex], links: &[Link]) {
    for row in rows {
        let offsets = offsets(row, vertices);
        for (&vertex, offset) in row.iter().zip(offsets) {
            vertices[vertex].x = offset;
        }
    }
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); vertices.len()];
    let mut above: Vec<Vec<usize>> = vec![Vec::new(); vertices.len()];
    for (number, link) in links.iter().enumerate() {
        below[link.from].push(number);
        above[link.to].push(number);
    }
    // The last sweep goes upward, so that what feeds a box stands above it.
    for sweep in 0..2 * SWEEPS {
        let down = sweep % 2 == 0;
        let numbers: Vec<usize> = match down {
            true => (0..rows.len()).collect(),
            false => (0..rows.len()).rev().collect(),
        };
        for number in numbers {
            let row = &rows[number];
            let wishes: Vec<f64> = row
                .iter()
                .map(|&vertex| wish(vertices, links, if down { &above } else { &below }, vertex))
                .collect();
            let offsets = offsets(row, vertices);
            for ((&vertex, x), offset) in row
                .iter()
                .zip(nearest_in_order(&wishes, &offsets))
                .zip(&offsets)
            {
                vertices[vertex].x = x + offset;
            }
        }
    }
}

/// Where a vertex would stand best: in the middle of its neighbours in one direction. Long edges are to be straight.
fn wish(vertices: &[Vertex], links: &[Link], own: &[Vec<usize>], vertex: usize) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for link in own[vertex].iter().map(|&number| &links[number]) {
        let (other, shift) = if link.to == vertex {
            (link.from, link.start - link.end)
        } else {
            (link.to, link.end - link.start)
        };
        let long = vertices[vertex].passes && vertices[other].passes;
        let weight = if long { 4.0 } else { 1.0 };
        sum += weight * (vertices[other].x + shift);
        weights += weight;
    }
    if weights > 0.0 {
        sum / weights
    } else {
        vertices[vertex].x
    }
}

/// The least distance of each vertex of a row from the first.
fn offsets(row: &[usize], vertices: &[Vertex]) -> Vec<f64> {
    let mut offset = 0.0;
    let mut all = Vec::with_capacity(row.len());
    for (at, &vertex) in row.iter().enumerate() {
        if let Some(&before) = at.checked_sub(1).and_then(|at| row.get(at)) {
            let (a, b) = (&vertices[before], &vertices[vertex]);
            let room = (a.width / 2.0).max(a.label);
            let gap = if a.passes && b.passes { 14.0 } else { BESIDE };
            offset += room + gap + b.width / 2.0;
        }
        all.push(offset);
    }
    all
}

/// The non-decreasing numbers nearest to `wishes - offsets`: neighbours that are in each other's way share their mean.
fn nearest_in_order(wishes: &[f64], offsets: &[f64]) -> Vec<f64> {
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (wish, offset) in wishes.iter().zip(offsets) {
        blocks.push((wish - offset, 1));
        while let [.., (a, n), (b, m)] = blocks.as_slice() {
            if a <= b {
                break;
            }
            let joined = ((a * *n as f64 + b * *m as f64) / (n + m) as f64, n + m);
            blocks.truncate(blocks.len() - 2);
            blocks.push(joined);
        }
    }
    let spread = blocks
        .into_iter()
        .flat_map(|(x, n)| std::iter::repeat_n(x, n));
    spread.collect()
}

fn finish(
    picture: &Picture,
    mut items: Vec<Placed>,
    rows: &[Vec<usize>],
    vertices: &[Vertex],
    ways: &[(Vec<usize>, f64, f64)],
) -> Laid {
    let left = vertices.iter().map(|v| v.x - v.width / 2.0);
    let left = left.fold(f64::INFINITY, f64::min).min(1e12);
    let right = vertices.iter().map(|v| v.x + (v.width / 2.0).max(v.label));
    let right = right.fold(left, f64::max);
    let (mut tops, mut bottoms, mut y) = (Vec::new(), Vec::new(), 0.0);
    for row in rows {
        let height = row.iter().map(|&v| vertices[v].height).fold(0.0, f64::max);
        tops.push(y);
        bottoms.push(y + height);
        y += height + BELOW;
    }
    for (item, vertex) in items.iter_mut().zip(vertices) {
        item.x = vertex.x - left - item.width / 2.0;
        // The middle of the row, so that a small box beside a large one does not hang at its top.
        let spare = bottoms[vertex.rank] - tops[vertex.rank] - item.height;
        item.y = tops[vertex.rank] + spare / 2.0;
    }
    let count = items.len();
    let routes = ways
        .iter()
        .zip(&picture.edges)
        .map(|((way, start, end), edge)| {
            let mut points = Vec::new();
            for (at, &number) in way.iter().enumerate() {
                let vertex = &vertices[number];
                let x = vertex.x - left;
                let (top, bottom) = (tops[vertex.rank], bottoms[vertex.rank]);
                if at == 0 {
                    let from = items
                        .get(number)
                        .map_or(bottom, |item| item.y + item.height);
                    points.extend([(x + start, from), (x + start, bottom)]);
                } else if at + 1 == way.len() {
                    let to = items.get(number).map_or(top, |item| item.y);
                    points.extend([(x + end, top), (x + end, to)]);
                } else {
                    points.extend([(x, top), (x, bottom)]);
                }
            }
            points.dedup();
            Route {
                points,
                arrow: matches!(edge.to, End::Item(..)),
            }
        });
    let routes = routes.collect();
    let ports = |range: std::ops::Range<usize>| -> Vec<f64> {
        let ports = vertices.get(range).unwrap_or_default();
        ports.iter().map(|port| port.x - left).collect()
    };
    Laid {
        width: right - left,
        height: (y - BELOW).max(0.0),
        routes,
        ins: ports(count..count + picture.ins),
        outs: ports(count + picture.ins..count + picture.ins + picture.outs),
        items,
    }
}
