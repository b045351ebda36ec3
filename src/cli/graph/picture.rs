//! A picture before it is laid out: boxes, boxes in boxes, and what flows between them.
use crate::tir::Value;
use std::collections::HashMap;

/// What a box stands for; it gives the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What comes from outside or leaves.
    Border,
    /// A layer.
    Layer,
    /// A function, a loop kernel.
    Function,
    /// An operation of the language, a node.
    Operation,
    /// A contraction.
    Product,
}

impl Kind {
    /// Its name in style sheets.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Border => "border",
            Kind::Layer => "layer",
            Kind::Function => "function",
            Kind::Operation => "operation",
            Kind::Product => "product",
        }
    }
}

/// A box with the values that it needs and gives.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it stands for.
    pub kind: Kind,
    /// Its text, a title first.
    pub lines: Vec<String>,
    /// What is shown below the pointer.
    pub note: String,
    /// Values that flow into it.
    pub needs: Vec<Value>,
    /// Values that it makes.
    pub gives: Vec<Value>,
    /// What is drawn inside.
    pub inner: Option<Inner>,
}

/// The inside of a box that is drawn open.
#[derive(Debug, Clone)]
pub struct Inner {
    /// The boxes.
    pub parts: Vec<Part>,
    /// The names by which values of the outside are known inside, and the other way round: (outside, inside).
    pub renamed: Vec<(Value, Value)>,
    /// What is written at the values of the inside.
    pub labels: HashMap<Value, String>,
}

/// A box of a picture.
#[derive(Debug, Clone)]
pub struct Item {
    /// What it stands for.
    pub kind: Kind,
    /// Its text, a title first.
    pub lines: Vec<String>,
    /// What is shown below the pointer.
    pub note: String,
    /// What is drawn inside.
    pub inner: Option<Picture>,
}

/// Where an edge ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// A box, at its port of that number; only open boxes have several.
    Item(usize, usize),
    /// A port of the picture itself.
    Port(usize),
}

/// A value that flows.
#[derive(Debug, Clone)]
pub struct Edge {
    /// From a box, or a port above.
    pub from: End,
    /// To a box, or a port below.
    pub to: End,
    /// Written at its beginning.
    pub label: String,
}

/// Boxes and edges.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// The boxes, each after those that it depends on.
    pub items: Vec<Item>,
    /// The edges.
    pub edges: Vec<Edge>,
    /// Number of ports above.
    pub ins: usize,
    /// Number of ports below.
    pub outs: usize,
}

/// Makes a picture from boxes in the order of dependence: an edge for each value that one makes and another needs. `ins` and `outs` are the
/// values at its ports.
pub fn connect(
    parts: Vec<Part>,
    ins: &[Value],
    outs: &[Value],
    labels: &HashMap<Value, String>,
) -> Picture {
    let mut made: HashMap<Value, End> = HashMap::new();
    for (port, &value) in ins.iter().enumerate() {
        made.insert(value, End::Port(port));
    }
    let mut picture = Picture {
        ins: ins.len(),
        outs: outs.len(),
        ..Picture::default()
    };
    let label = |value: Value, from: End| match from {
        End::Port(_) => String::new(),
        End::Item(..) => labels.get(&value).cloned().unwrap_or_default(),
    };
    for (at, part) in parts.into_iter().enumerate() {
        let mut needs: Vec<Value> = Vec::new();
        for value in part.needs {
            if made.contains_key(&value) && !needs.contains(&value) {
                needs.push(value);
            }
        }
        for (port, &value) in needs.iter().enumerate() {
            if let Some(&from) = made.get(&value) {
                picture.edges.push(Edge {
                    from,
                    to: End::Item(at, port),
                    label: label(value, from),
                });
            }
        }
        for (port, &value) in part.gives.iter().enumerate() {
            made.insert(value, End::Item(at, port));
        }
        let inner = part.inner.map(|inner| {
            let inside = |value: &Value| {
                let known = inner.renamed.iter().find(|(outer, _)| outer == value);
                known.map_or(*value, |(_, inner)| *inner)
            };
            let ins: Vec<Value> = needs.iter().map(inside).collect();
            let outs: Vec<Value> = part.gives.iter().map(inside).collect();
            connect(inner.parts, &ins, &outs, &inner.labels)
        });
        picture.items.push(Item {
            kind: part.kind,
            lines: part.lines,
            note: part.note,
            inner,
        });
    }
    for (port, value) in outs.iter().enumerate() {
        if let Some(&from) = made.get(value) {
            picture.edges.push(Edge {
                from,
                to: End::Port(port),
                label: String::new(),
            });
        }
    }
    picture
}
