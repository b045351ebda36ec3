//! A picture in the language of Graphviz.
use super::picture::{End, Picture};
use std::fmt::Write;

/// The picture as text for `dot`.
pub fn dot(picture: &Picture, title: &str) -> String {
    let mut out = format!(
        "digraph {} {{\n  node [shape=box, style=rounded, fontname=\"Helvetica\", fontsize=11];\n  edge [fontname=\"Helvetica\", fontsize=10];\n",
        quoted(title)
    );
    let mut edges = String::new();
    written(picture, "b", 1, &mut out, &mut edges);
    out + &edges + "}\n"
}

fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}

/// Where edges of the ports of an open box go on outside: the boxes of the inside that a port stands for.
type Ports = Vec<Vec<String>>;

/// Writes the boxes, and the edges into a text of its own; gives the boxes at the ports above and below.
fn written(
    picture: &Picture,
    prefix: &str,
    depth: usize,
    out: &mut String,
    edges: &mut String,
) -> (Ports, Ports) {
    let margin = "  ".repeat(depth);
    let mut inner: Vec<Option<(Ports, Ports)>> = Vec::new();
    for (at, item) in picture.items.iter().enumerate() {
        let name = format!("{prefix}_{at}");
        let Some(inside) = &item.inner else {
            let _ = writeln!(
                out,
                "{margin}{name} [label={}, class={}];",
                quoted(&item.lines.join("\n")),
                item.kind.name()
            );
            inner.push(None);
            continue;
        };
        let _ = writeln!(
            out,
            "{margin}subgraph cluster_{name} {{\n{margin}  label={};",
            quoted(&item.lines.join("\n"))
        );
        inner.push(Some(written(inside, &name, depth + 1, out, edges)));
        let _ = writeln!(out, "{margin}}}");
    }
    let names = |end: End, from: bool| -> Vec<String> {
        match end {
            End::Port(_) => Vec::new(),
            End::Item(item, port) => match inner.get(item) {
                Some(Some((ins, outs))) => {
                    let ports = if from { outs } else { ins };
                    ports.get(port).cloned().unwrap_or_default()
                }
                Some(None) | None => vec![format!("{prefix}_{item}")],
            },
        }
    };
    let (mut ins, mut outs) = (
        vec![Vec::new(); picture.ins],
        vec![Vec::new(); picture.outs],
    );
    for edge in &picture.edges {
        let (from, to) = (names(edge.from, true), names(edge.to, false));
        match (edge.from, edge.to) {
            (End::Port(port), _) => ins[port].extend(to),
            (_, End::Port(port)) => outs[port].extend(from),
            (End::Item(..), End::Item(..)) => {
                for from in &from {
                    for to in &to {
                        let _ =
                            writeln!(edges, "  {from} -> {to} [label={}];", quoted(&edge.label));
                    }
                }
            }
        }
    }
    (ins, outs)
}
