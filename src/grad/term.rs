//! A term: straight-line code with its accesses over a box of points; the adjoint of the code, and the gradient that flows from a box
//! into one operand.
use super::access::{Turned, turn};
use super::has_gradient;
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::ops::{Pullback, definition};
use crate::tir::verify::read_is_within;
use crate::tir::{
    Affine, Body, Comprehension, Graph, Guard, Inst, Node, Op, Order, Read, Reducer, Scatter,
    Subscript, Value,
};

/// The common core of comprehensions and scatters.
#[derive(Debug, Clone)]
pub(super) struct Term {
    /// Extents of all indices.
    pub extents: Vec<usize>,
    /// How many of them, the first ones, are free in the source.
    pub free: usize,
    /// Where the term counts.
    pub domain: Guard,
    /// The accesses.
    pub reads: Vec<Read>,
    /// The code.
    pub body: Body,
}

impl Term {
    /// Adds an access and the instruction that reads it.
    pub fn read(&mut self, read: Read) -> u32 {
        self.reads.push(read);
        self.body.push(Inst::Read(self.reads.len() as u32 - 1))
    }

    /// The cotangent of each read, given the instruction that holds the cotangent of the code's result. `None` where it is zero or the
    /// operand is not `active`.
    pub fn adjoints(
        &mut self,
        graph: &Graph,
        cotangent: u32,
        active: &dyn Fn(Value) -> bool,
    ) -> Result<Vec<Option<u32>>, String> {
        let types = self.types(graph)?;
        let count = self.body.insts.len();
        let moved = self.active_instructions(&types, active);
        let mut adjoints: Vec<Option<u32>> = vec![None; count];
        let mut of_reads = vec![None; self.reads.len()];
        adjoints[self.body.result as usize] = Some(cotangent);
        for at in (0..count).rev() {
            let (Some(cotangent), true) = (adjoints[at], moved[at]) else {
                continue;
            };
            match self.body.insts[at].clone() {
                Inst::Read(read) => self.accumulate(&mut of_reads[read as usize], cotangent),
                Inst::Index(_) | Inst::Const(_) => {}
                Inst::Op(op, arguments) => {
                    let types: Vec<DType> = arguments.iter().map(|&a| types[a as usize]).collect();
                    let pulled = (definition(op).derivative)(&mut Pullback {
                        body: &mut self.body,
                        arguments: &arguments,
                        types: &types,
                        result: at as u32,
                        cotangent,
                    });
                    for (&argument, part) in arguments.iter().zip(pulled) {
                        if let (Some(part), true) = (part, moved[argument as usize]) {
                            self.accumulate(&mut adjoints[argument as usize], part);
                        }
                    }
                }
            }
        }
        Ok(of_reads)
    }

    fn accumulate(&mut self, slot: &mut Option<u32>, part: u32) {
        *slot = Some(match *slot {
            Some(sum) => self.body.op(Op::Add, &[sum, part]),
            None => part,
        });
    }

    fn types(&self, graph: &Graph) -> Result<Vec<DType>, String> {
        let of_reads: Vec<DType> = self
            .reads
            .iter()
            .map(|read| graph.ty(read.value).dtype)
            .collect();
        self.body
            .types(&of_reads)
            .ok_or_else(|| "an operator's arguments do not fit it".into())
    }

    /// Which instructions depend on an active operand through floats.
    fn active_instructions(&self, types: &[DType], active: &dyn Fn(Value) -> bool) -> Vec<bool> {
        let mut moved = Vec::with_capacity(self.body.insts.len());
        for (inst, &dtype) in self.body.insts.iter().zip(types) {
            let depends = match inst {
                Inst::Read(read) => active(self.reads[*read as usize].value),
                Inst::Index(_) | Inst::Const(_) => false,
                Inst::Op(_, arguments) => arguments.iter().any(|&a| moved[a as usize]),
            };
            moved.push(depends && has_gradient(dtype));
        }
        moved
    }

    /// The gradient that flows into the operand of a read, the code's instruction `cotangent` being the read's cotangent; `None` where
    /// no point reaches it.
    pub fn flow(
        &self,
        graph: &mut Graph,
        read: usize,
        cotangent: u32,
        origin: Span,
    ) -> Option<Value> {
        let mut term = self.clone();
        term.body.result = cotangent;
        let access = &self.reads[read];
        let operand = graph.ty(access.value).clone();
        term.domain = term.domain.and(&access.guard);
        let affine: Option<Vec<&Affine>> = access
            .subscripts
            .iter()
            .map(|subscript| match subscript {
                Subscript::Affine(affine) => Some(affine),
                Subscript::Gather(_) => None,
            })
            .collect();
        match affine {
            Some(subscripts) => {
                let turned = turn(&subscripts, &operand.shape, &term.extents, term.free);
                term.turned(&turned)?
                    .into_comprehension(graph, operand, origin)
            }
            None => term.scattered(graph, &access.subscripts, operand, origin),
        }
    }

    /// The term in the new index space; `None` where its domain is empty.
    fn turned(self, turned: &Turned) -> Option<Term> {
        let domain = self.domain.substitute(&turned.map).and(&turned.guard);
        let (reads, body) = compact(&self.reads, &self.body, &[]).0;
        let reads = reads
            .iter()
            .map(|read| {
                let read = substituted(read, &turned.map);
                // A guard that never holds is kept as it is.
                let guard = read.guard.simplified(&turned.extents);
                Read {
                    guard: guard.unwrap_or_else(|| read.guard.clone()),
                    ..read
                }
            })
            .collect();
        Some(Term {
            free: turned.extents.len() - turned.remaining.len(),
            domain: domain.simplified(&turned.extents)?,
            body: substituted_body(&body, &turned.map),
            reads,
            extents: turned.extents.clone(),
        })
    }

    /// The term with index `i` replaced by `map[i]`; the extents stay.
    pub fn renamed(&self, map: &[Affine]) -> Term {
        Term {
            domain: self.domain.substitute(map),
            reads: self
                .reads
                .iter()
                .map(|read| substituted(read, map))
                .collect(),
            body: substituted_body(&self.body, map),
            ..self.clone()
        }
    }

    /// Sums the term over all but its free indices.
    fn into_comprehension(
        mut self,
        graph: &mut Graph,
        operand: Type,
        origin: Span,
    ) -> Option<Value> {
        self.move_domain_to_reads(graph);
        if let Some(value) = self.as_identity(graph, &operand) {
            return Some(value);
        }
        let reduce = self.extents.split_off(self.free);
        let comprehension = Comprehension {
            shape: self.extents,
            reducer: (!reduce.is_empty()).then_some(Reducer::Sum),
            reduce,
            order: Order::default(),
            domain: self.domain,
            reads: self.reads,
            body: self.body,
            dtype: operand.dtype,
        };
        Some(graph.comprehension(comprehension, origin))
    }

    /// Keeps contractions recognisable: a domain over a bare read, or over a product of two, becomes the guard of the read (fill 0), of
    /// the other factor only where that needs it to stay in bounds. Exact for finite operands.
    fn move_domain_to_reads(&mut self, graph: &Graph) {
        if self.domain.is_always() {
            return;
        }
        let factors: Vec<u32> = match &self.body.insts[self.body.result as usize] {
            Inst::Read(read) => vec![*read],
            Inst::Op(Op::Mul, arguments) => {
                let reads = arguments
                    .iter()
                    .map(|&a| match self.body.insts[a as usize] {
                        Inst::Read(read) => Some(read),
                        Inst::Index(_) | Inst::Const(_) | Inst::Op(..) => None,
                    });
                match reads.collect() {
                    Some(reads) => reads,
                    None => return,
                }
            }
            Inst::Index(_) | Inst::Const(_) | Inst::Op(..) => return,
        };
        let fill = |read: u32| self.reads[read as usize].fill.value;
        let finite = |read: u32| fill(read).is_finite();
        // The cotangent is the access that was added last.
        let owner = factors
            .iter()
            .copied()
            .filter(|&read| fill(read) == 0.0)
            .max();
        let Some(owner) = owner.filter(|_| factors.iter().all(|&read| finite(read))) else {
            return;
        };
        let domain = std::mem::take(&mut self.domain);
        for at in 0..self.reads.len() {
            let needs = at == owner as usize
                || !read_is_within(graph, &self.reads, at, &self.extents, &Guard::always());
            if needs {
                let guard = std::mem::take(&mut self.reads[at].guard);
                self.reads[at].guard = guard.and(&domain);
            }
        }
    }

    /// The operand that the term is, element by element, if it is just that.
    fn as_identity(&self, graph: &Graph, operand: &Type) -> Option<Value> {
        let read = &self.reads[self.body.as_read()? as usize];
        let in_order = read.subscripts.iter().enumerate().all(|(axis, subscript)| {
            matches!(subscript, Subscript::Affine(affine) if affine.as_index() == Some(axis))
        });
        let whole = self.free == self.extents.len()
            && self.domain.is_always()
            && read.guard.is_always()
            && graph.ty(read.value) == operand;
        (in_order && whole).then_some(read.value)
    }

    /// Adds the term into the places that subscripts find.
    fn scattered(
        self,
        graph: &mut Graph,
        target: &[Subscript],
        operand: Type,
        origin: Span,
    ) -> Option<Value> {
        let domain = self.domain.simplified(&self.extents)?;
        let ((reads, body), target) = compact(&self.reads, &self.body, target);
        let scatter = Scatter {
            shape: operand.shape.clone(),
            extents: self.extents,
            domain,
            reads,
            body,
            target,
            dtype: operand.dtype,
        };
        graph
            .add(Node::Scatter(scatter), vec![operand], origin)
            .first()
            .copied()
    }
}

/// The code without unneeded instructions, the accesses that it and the `extra` subscripts need, and these subscripts, renumbered.
fn compact(
    reads: &[Read],
    body: &Body,
    extra: &[Subscript],
) -> ((Vec<Read>, Body), Vec<Subscript>) {
    let mut body = body.trimmed();
    let mut used = vec![false; reads.len()];
    for inst in &body.insts {
        if let Inst::Read(read) = inst {
            used[*read as usize] = true;
        }
    }
    let mark = |subscripts: &[Subscript], used: &mut Vec<bool>| {
        for subscript in subscripts {
            if let Subscript::Gather(read) = subscript {
                used[*read as usize] = true;
            }
        }
    };
    mark(extra, &mut used);
    for at in (0..reads.len()).rev() {
        if used[at] {
            mark(&reads[at].subscripts, &mut used);
        }
    }
    let number: Vec<u32> = used
        .iter()
        .scan(0, |next, &kept| {
            let number = *next;
            *next += u32::from(kept);
            Some(number)
        })
        .collect();
    let renumbered = |subscripts: &[Subscript]| -> Vec<Subscript> {
        subscripts
            .iter()
            .map(|subscript| match subscript {
                Subscript::Gather(read) => Subscript::Gather(number[*read as usize]),
                Subscript::Affine(affine) => Subscript::Affine(affine.clone()),
            })
            .collect()
    };
    for inst in &mut body.insts {
        if let Inst::Read(read) = inst {
            *read = number[*read as usize];
        }
    }
    let kept = reads
        .iter()
        .zip(&used)
        .filter(|(_, used)| **used)
        .map(|(read, _)| Read {
            subscripts: renumbered(&read.subscripts),
            ..read.clone()
        })
        .collect();
    ((kept, body), renumbered(extra))
}

fn substituted(read: &Read, map: &[Affine]) -> Read {
    Read {
        subscripts: read
            .subscripts
            .iter()
            .map(|subscript| match subscript {
                Subscript::Affine(affine) => Subscript::Affine(affine.substitute(map)),
                Subscript::Gather(read) => Subscript::Gather(*read),
            })
            .collect(),
        guard: read.guard.substitute(map),
        ..read.clone()
    }
}

/// The code with index values replaced by their images.
fn substituted_body(body: &Body, map: &[Affine]) -> Body {
    let mut image = Body::default();
    let mut positions: Vec<u32> = Vec::with_capacity(body.insts.len());
    for inst in &body.insts {
        let position = match inst {
            Inst::Index(index) => affine_code(&mut image, &map[*index as usize]),
            Inst::Read(_) | Inst::Const(_) => image.push(inst.clone()),
            Inst::Op(op, arguments) => {
                let arguments: Vec<u32> = arguments
                    .iter()
                    .map(|&argument| positions[argument as usize])
                    .collect();
                image.op(*op, &arguments)
            }
        };
        positions.push(position);
    }
    image.result = positions[body.result as usize];
    image
}

/// The `i32` value of an affine expression as code.
pub(super) fn affine_code(body: &mut Body, affine: &Affine) -> u32 {
    let mut sum = None;
    for (index, coefficient) in affine.terms() {
        let index = body.push(Inst::Index(index as u32));
        let term = match coefficient {
            1 => index,
            -1 => body.op(Op::Neg, &[index]),
            other => {
                let factor = body.constant(DType::I32, other as f64);
                body.op(Op::Mul, &[factor, index])
            }
        };
        sum = Some(match sum {
            Some(sum) => body.op(Op::Add, &[sum, term]),
            None => term,
        });
    }
    let value = match (sum, affine.offset()) {
        (Some(sum), 0) => sum,
        (Some(sum), offset) => {
            let offset = body.constant(DType::I32, offset as f64);
            body.op(Op::Add, &[sum, offset])
        }
        (None, offset) => body.constant(DType::I32, offset as f64),
    };
    if affine.divisor() == 1 {
        return value;
    }
    let divisor = body.constant(DType::I32, affine.divisor() as f64);
    body.op(Op::FloorDiv, &[value, divisor])
}
