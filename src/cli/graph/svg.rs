//! A picture as SVG, for light and dark.
use super::layout::{LINE, Laid, Placed, Route, lay_out, text_width};
use super::picture::{Edge, Item, Picture};
use crate::cli::watch::report::escape;
use std::fmt::Write;

/// Room around the picture.
const MARGIN: f64 = 20.0;

/// The picture as a file.
pub fn svg(picture: &Picture, title: &str) -> String {
    let laid = lay_out(picture);
    let (width, height) = (
        (laid.width + 2.0 * MARGIN).ceil(),
        (laid.height + 2.0 * MARGIN).ceil(),
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{}</title>\n<style>\n{}</style>\n<defs><marker id=\"head\" markerWidth=\"9\" markerHeight=\"8\" refX=\"8\" refY=\"4\" orient=\"auto\" markerUnits=\"userSpaceOnUse\"><path class=\"head\" d=\"M0 0.5 L9 4 L0 7.5 z\"/></marker></defs>\n<rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n",
        escape(title),
        include_str!("style.css")
    );
    drawn(picture, &laid, (MARGIN, MARGIN), &mut out);
    out + "</svg>\n"
}

fn drawn(picture: &Picture, laid: &Laid, at: (f64, f64), out: &mut String) {
    let _ = writeln!(out, "<g transform=\"translate({:.1} {:.1})\">", at.0, at.1);
    for (edge, route) in picture.edges.iter().zip(&laid.routes) {
        line(edge, route, out);
    }
    for (item, placed) in picture.items.iter().zip(&laid.items) {
        boxed(item, placed, out);
    }
    // Text lies above all lines. Of several edges with one value only the first is labelled.
    let mut labelled: Vec<(String, i64)> = Vec::new();
    for (edge, route) in picture.edges.iter().zip(&laid.routes) {
        let Some(&(x, y)) = route.points.first() else {
            continue;
        };
        let key = (format!("{:?} {}", edge.from, edge.label), y as i64);
        if edge.label.is_empty() || labelled.contains(&key) {
            continue;
        }
        let _ = writeln!(
            out,
            "<text class=\"label\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            x + 7.0,
            y + 16.0,
            escape(&edge.label)
        );
        labelled.push(key);
    }
    out.push_str("</g>\n");
}

fn line(edge: &Edge, route: &Route, out: &mut String) {
    let mut points = route.points.iter();
    let Some(&(mut x, mut y)) = points.next() else {
        return;
    };
    let mut path = format!("M{x:.1} {y:.1}");
    for &(to, down) in points {
        if (to - x).abs() < 0.5 {
            let _ = write!(path, " L{to:.1} {down:.1}");
        } else {
            let middle = (y + down) / 2.0;
            let _ = write!(
                path,
                " C{x:.1} {middle:.1} {to:.1} {middle:.1} {to:.1} {down:.1}"
            );
        }
        (x, y) = (to, down);
    }
    let head = if route.arrow {
        " marker-end=\"url(#head)\""
    } else {
        ""
    };
    let _ = writeln!(
        out,
        "<path class=\"edge\" d=\"{path}\"{head}><title>{}</title></path>",
        escape(&edge.label)
    );
}

/// Lines from the border of an open box to where its inside begins and ends, but not through its title.
fn ports(item: &Item, placed: &Placed, (laid, left, top): (&Laid, f64, f64), out: &mut String) {
    let title = item.lines.iter().map(|line| text_width(line) * 1.12);
    let title = 18.0 + title.fold(0.0, f64::max);
    let mut line = |x: f64, from: f64, to: f64| {
        let x = placed.x + left + x;
        let _ = writeln!(
            out,
            "<path class=\"edge\" d=\"M{x:.1} {from:.1} L{x:.1} {to:.1}\"/>"
        );
    };
    for &x in laid.ins.iter().filter(|x| left + **x > title) {
        line(x, placed.y, placed.y + top);
    }
    for &x in &laid.outs {
        line(x, placed.y + top + laid.height, placed.y + placed.height);
    }
}

fn boxed(item: &Item, placed: &Placed, out: &mut String) {
    let open = item.inner.is_some();
    let class = match open {
        true => "open".to_string(),
        false => format!("box {}", item.kind.name()),
    };
    let _ = writeln!(
        out,
        "<g{}><title>{}</title>\n<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{}\"/>",
        if open { " class=\"inside\"" } else { "" },
        escape(&item.note),
        placed.x,
        placed.y,
        placed.width,
        placed.height,
        if open { 10 } else { 7 }
    );
    for (at, text) in item.lines.iter().enumerate() {
        let (x, anchor) = match open {
            true => (placed.x + 12.0, "start"),
            false => (placed.x + placed.width / 2.0, "middle"),
        };
        let _ = writeln!(
            out,
            "<text class=\"{}\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            if at == 0 { "title" } else { "more" },
            placed.y + 20.0 + at as f64 * LINE,
            escape(text)
        );
    }
    if let (Some(inner), Some((laid, x, y))) = (&item.inner, &placed.inner) {
        ports(item, placed, (laid, *x, *y), out);
        drawn(inner, laid, (placed.x + x, placed.y + y), out);
    }
    out.push_str("</g>\n");
}
