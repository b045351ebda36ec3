//! The text form of a graph: one line a node, in which a comprehension reads as the formula it is.
use super::graph::{
    Body, Comprehension, Graph, Inst, Literal, Node, Order, Read, Scatter, Subscript, Value,
};
use crate::base::types::DType;
use std::fmt::{self, Write};

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_graph(f, self, 0)
    }
}

fn write_graph(f: &mut dyn Write, graph: &Graph, depth: usize) -> fmt::Result {
    let margin = "  ".repeat(depth);
    for (_, data) in graph.nodes() {
        f.write_str(&margin)?;
        for (at, &result) in data.results.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{result}: {}", graph.ty(result))?;
        }
        f.write_str(" = ")?;
        write_node(f, graph, &data.node, depth)?;
        f.write_char('\n')?;
    }
    writeln!(f, "{margin}return {}", list(&graph.outputs))
}

fn list(values: &[Value]) -> String {
    values
        .iter()
        .map(Value::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn write_node(f: &mut dyn Write, graph: &Graph, node: &Node, depth: usize) -> fmt::Result {
    match node {
        Node::Input(number) => write!(
            f,
            "input {number} \"{}\"",
            graph.inputs[*number as usize].name
        ),
        Node::Constant(elements) => write!(f, "constant {elements:?}"),
        Node::Comprehension(c) => f.write_str(&comprehension_text(c)),
        Node::Reshape(value) => write!(f, "reshape {value}"),
        Node::Concat(values, axis) => write!(f, "concat {} over {axis}", list(values)),
        Node::Scatter(s) => f.write_str(&scatter_text(s)),
        Node::Scan(s) => {
            let sequences: Vec<String> = s
                .sequences
                .iter()
                .map(|(value, axis)| format!("{value} over {axis}"))
                .collect();
            let direction = if s.reverse { " reverse" } else { "" };
            writeln!(
                f,
                "scan{direction} {} states ({}) sequences ({}) captured ({}) stacks {:?} {{",
                s.length,
                list(&s.states),
                sequences.join(", "),
                list(&s.captured),
                s.stacks
            )?;
            write_graph(f, &s.body, depth + 1)?;
            write!(f, "{}}}", "  ".repeat(depth))
        }
        Node::Region(r) => {
            writeln!(f, "region outer {} {{", r.outer)?;
            for member in &r.members {
                f.write_str(&"  ".repeat(depth + 1))?;
                write_node(f, graph, member, depth + 1)?;
                f.write_char('\n')?;
            }
            write!(f, "{}}}", "  ".repeat(depth))
        }
        Node::Gradient {
            of,
            with_respect_to,
        } => write!(f, "gradient {of} by {}", list(with_respect_to)),
        Node::StopGradient(value) => write!(f, "stop_gradient {value}"),
    }
}

fn bounds(extents: &[usize], first: usize) -> String {
    extents
        .iter()
        .enumerate()
        .map(|(at, size)| format!("i{} < {size}", first + at))
        .collect::<Vec<_>>()
        .join(", ")
}

/// `[i0 < 4, i1 < 3] sum[i2 < 5] (mul v1[i0, i2] v2[i2, i1])`, with `where` guards and a non-default order named.
pub fn comprehension_text(c: &Comprehension) -> String {
    let mut text = format!("[{}] ", bounds(&c.shape, 0));
    if let Some(reducer) = c.reducer {
        let order = match c.order {
            Order::Chain => "",
            Order::Lanes => " lanes",
        };
        text += &format!(
            "{}{order}[{}] ",
            reducer.name(),
            bounds(&c.reduce, c.shape.len())
        );
    }
    text += &body_text(&c.body, &c.reads);
    if !c.domain.is_always() {
        text += &format!(" where {}", c.domain);
    }
    text
}

fn scatter_text(s: &Scatter) -> String {
    let target: Vec<String> = s
        .target
        .iter()
        .map(|subscript| subscript_text(subscript, &s.reads))
        .collect();
    let mut text = format!(
        "scatter [{}] at [{}] {}",
        bounds(&s.extents, 0),
        target.join(", "),
        body_text(&s.body, &s.reads)
    );
    if !s.domain.is_always() {
        text += &format!(" where {}", s.domain);
    }
    text
}

fn subscript_text(subscript: &Subscript, reads: &[Read]) -> String {
    match subscript {
        Subscript::Affine(affine) => affine.to_string(),
        Subscript::Gather(read) => read_text(&reads[*read as usize], reads),
    }
}

/// `v1[i0, i2]`, with `{guard else fill}` after a guarded read.
pub fn read_text(read: &Read, reads: &[Read]) -> String {
    let subscripts: Vec<String> = read
        .subscripts
        .iter()
        .map(|subscript| subscript_text(subscript, reads))
        .collect();
    let mut text = format!("{}[{}]", read.value, subscripts.join(", "));
    if !read.guard.is_always() {
        text += &format!("{{{} else {}}}", read.guard, literal_text(&read.fill));
    }
    text
}

fn literal_text(literal: &Literal) -> String {
    match literal.dtype {
        DType::F32 => format!("{:?}", literal.value as f32),
        DType::F64 => format!("{:?}d", literal.value),
        DType::I32 | DType::U8 => format!("{}", literal.value as i64),
        DType::Bool => if literal.value != 0.0 {
            "true"
        } else {
            "false"
        }
        .to_string(),
    }
}

fn body_text(body: &Body, reads: &[Read]) -> String {
    let mut uses = vec![0usize; body.insts.len()];
    if let Some(result) = uses.get_mut(body.result as usize) {
        *result = 1;
    }
    for at in (0..body.insts.len()).rev() {
        if let (true, Inst::Op(_, arguments)) = (uses[at] > 0, &body.insts[at]) {
            arguments.iter().for_each(|&a| uses[a as usize] += 1);
        }
    }
    let (mut shared, mut names) = (String::new(), 0);
    let mut texts: Vec<String> = Vec::with_capacity(body.insts.len());
    for (at, inst) in body.insts.iter().enumerate() {
        let text = match inst {
            Inst::Read(read) => read_text(&reads[*read as usize], reads),
            Inst::Index(index) => format!("i{index}"),
            Inst::Const(literal) => literal_text(literal),
            Inst::Op(op, arguments) => {
                let arguments: Vec<&str> = arguments
                    .iter()
                    .map(|&a| texts[a as usize].as_str())
                    .collect();
                format!("({} {})", op.name(), arguments.join(" "))
            }
        };
        if uses[at] > 1 && matches!(inst, Inst::Op(..)) {
            shared += &format!("let s{names} = {text}; ");
            texts.push(format!("s{names}"));
            names += 1;
        } else {
            texts.push(text);
        }
    }
    format!(
        "{shared}{}",
        texts.get(body.result as usize).map_or("", String::as_str)
    )
}
