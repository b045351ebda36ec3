//! The text form of kernels: loops and the formula inside.
use super::{Access, GatherTerm, Kernel, Nest, Store};
use crate::base::types::DType;
use crate::tir::{Affine, Body, Guard, Inst, Literal, Order};
use std::fmt;

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buffers: Vec<String> = self
            .buffers
            .iter()
            .enumerate()
            .map(|(at, dtype)| format!("b{at}: {dtype}"))
            .collect();
        write!(f, "kernel {}({})", self.name, buffers.join(", "))?;
        writeln!(f, " outer {}", self.outer)?;
        self.nests.iter().try_for_each(|nest| write!(f, "{nest}"))
    }
}

fn loop_text(from: usize, extents: &[usize]) -> String {
    let indices = extents.iter().enumerate();
    let texts: Vec<String> = indices
        .map(|(at, extent)| format!("i{} in 0..{extent}", from + at))
        .collect();
    texts.join(", ")
}

impl fmt::Display for Nest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut margin = "  ";
        if !self.free.is_empty() {
            writeln!(f, "{margin}for {}:", loop_text(0, &self.free))?;
            margin = "    ";
        }
        let (shared, value) = body_text(&self.body, &self.accesses);
        for line in shared {
            writeln!(f, "{margin}{line}")?;
        }
        let sign = if self.store.accumulate { "+=" } else { "=" };
        write!(
            f,
            "{margin}{} {sign} ",
            store_text(&self.store, &self.accesses)
        )?;
        if let Some(reducer) = self.reducer {
            let order = match self.order {
                Order::Chain => String::new(),
                Order::Lanes => " lanes".into(),
            };
            let count: usize = self.reduce.iter().product();
            let pieces = if self.piece_length < count && self.order == Order::Chain {
                format!(" pieces({})", self.piece_length)
            } else {
                String::new()
            };
            let loops = loop_text(self.free.len(), &self.reduce);
            write!(f, "{}{order}{pieces}[{loops}] ", reducer.name())?;
        }
        f.write_str(&value)?;
        if !self.domain.is_always() {
            write!(f, " where {}", self.domain)?;
        }
        writeln!(f)
    }
}

fn offset_text(offset: &Affine, gathers: &[GatherTerm], accesses: &[Access]) -> String {
    let mut text = offset.to_string();
    for gather in gathers {
        let position = accesses
            .get(gather.access as usize)
            .map_or_else(|| "?".into(), |access| access_text(access, accesses));
        let (stride, bound) = (gather.stride, gather.bound);
        text += &format!(" + {stride}*({position} below {bound})");
    }
    text
}

fn store_text(store: &Store, accesses: &[Access]) -> String {
    let offset = offset_text(&store.offset, &store.gathers, accesses);
    format!("b{}[{offset}]", store.buffer)
}

fn access_text(access: &Access, accesses: &[Access]) -> String {
    let offset = offset_text(&access.offset, &access.gathers, accesses);
    let guard = guard_text(&access.guard, &access.fill);
    format!("b{}[{offset}]{guard}", access.buffer)
}

fn guard_text(guard: &Guard, fill: &Literal) -> String {
    if guard.is_always() {
        return String::new();
    }
    format!("{{{guard} else {}}}", literal_text(fill))
}

fn literal_text(literal: &Literal) -> String {
    match literal.dtype {
        DType::F32 => format!("{:?}", literal.value as f32),
        DType::F64 => format!("{:?}d", literal.value),
        DType::I32 | DType::U8 => format!("{}", literal.value as i64),
        DType::Bool => format!("{}", literal.value != 0.0),
    }
}

/// Lines for the instructions that are used more than once, and the text of the result.
fn body_text(body: &Body, accesses: &[Access]) -> (Vec<String>, String) {
    let mut uses = vec![0usize; body.insts.len()];
    for inst in &body.insts {
        if let Inst::Op(_, arguments) = inst {
            for &argument in arguments {
                if let Some(count) = uses.get_mut(argument as usize) {
                    *count += 1;
                }
            }
        }
    }
    let (mut lines, mut texts) = (Vec::new(), Vec::<String>::new());
    for (at, inst) in body.insts.iter().enumerate() {
        let text = inst_text(inst, &texts, accesses);
        let shared = uses[at] > 1 && !matches!(inst, Inst::Const(_) | Inst::Index(_));
        if shared {
            lines.push(format!("t{at} = {text}"));
        }
        texts.push(if shared { format!("t{at}") } else { text });
    }
    let result = texts.get(body.result as usize).cloned();
    (lines, result.unwrap_or_else(|| "?".into()))
}

fn inst_text(inst: &Inst, texts: &[String], accesses: &[Access]) -> String {
    match inst {
        Inst::Read(access) => accesses
            .get(*access as usize)
            .map_or_else(|| "?".into(), |access| access_text(access, accesses)),
        Inst::Index(index) => format!("i{index}"),
        Inst::Const(literal) => literal_text(literal),
        Inst::Op(op, arguments) => {
            let arguments: Vec<&str> = arguments
                .iter()
                .map(|&a| texts.get(a as usize).map_or("?", String::as_str))
                .collect();
            format!("({} {})", op.name(), arguments.join(" "))
        }
    }
}
