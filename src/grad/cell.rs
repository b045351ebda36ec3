//! The reverse sweep through a body: from the gradient that arrives at its result to the gradients of what it reads.
use crate::base::types::DType;
use crate::ops::table::{Step, definition};
use crate::tir::{Body, Graph, Guard, Inst, Op, Read};

/// A body with its reverse sweep, at the points of its own indices.
pub struct Cell {
    /// Extents of the indices.
    pub extents: Vec<usize>,
    /// How many of them are free, that is: index the arriving gradient.
    pub free: usize,
    /// Where the body contributes.
    pub domain: Guard,
    /// The body's own reads, then those that the sweep adds.
    pub reads: Vec<Read>,
    /// The body's own instructions, then those of the sweep.
    pub body: Body,
    /// For each read of interest the instruction that holds its gradient.
    pub gradients: Vec<(usize, u32)>,
}

impl Cell {
    /// Adds a read and the instruction that reads it.
    pub fn read(&mut self, read: Read) -> u32 {
        self.reads.push(read);
        let number = self.reads.len() as u32 - 1;
        self.body.push(Inst::Read(number))
    }

    /// Sweeps back from the body's result, where the instruction `seed` holds the arriving gradient, to the `wanted` reads.
    /// `known` is an instruction with the result's value, where that is at hand.
    pub fn sweep(&mut self, graph: &Graph, seed: u32, known: Option<u32>, wanted: &[bool]) {
        let read_types: Vec<DType> = self
            .reads
            .iter()
            .map(|read| graph.ty(read.value).dtype)
            .collect();
        let Some(types) = self.body.types(&read_types) else {
            return;
        };
        let active = active(&self.body, &types, wanted);
        let mut arrived: Vec<Option<u32>> = vec![None; types.len()];
        let top = self.body.result as usize;
        arrived[top] = Some(seed);
        for at in (0..=top).rev() {
            let (Some(cotangent), true) = (arrived[at], active[at]) else {
                continue;
            };
            match self.body.insts[at].clone() {
                Inst::Read(read) => self.gradients.push((read as usize, cotangent)),
                Inst::Op(op, arguments) => {
                    let result = match known {
                        Some(known) if at == top => known,
                        _ => at as u32,
                    };
                    self.step(
                        op,
                        &arguments,
                        result,
                        cotangent,
                        &types,
                        &active,
                        &mut arrived,
                    );
                }
                Inst::Index(_) | Inst::Const(_) => {}
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn step(
        &mut self,
        op: Op,
        arguments: &[u32],
        result: u32,
        cotangent: u32,
        types: &[DType],
        active: &[bool],
        arrived: &mut [Option<u32>],
    ) {
        let Some(rule) = definition(op).gradient else {
            return;
        };
        let argument_types: Vec<DType> = arguments.iter().map(|&a| types[a as usize]).collect();
        let dtype = op.result_type(&argument_types).unwrap_or(argument_types[0]);
        let step = Step {
            arguments,
            types: &argument_types,
            result,
            cotangent,
            dtype,
        };
        let gradients = rule(&mut self.body, &step);
        for (&argument, gradient) in arguments.iter().zip(gradients) {
            let Some(gradient) = gradient.filter(|_| active[argument as usize]) else {
                continue;
            };
            let slot = &mut arrived[argument as usize];
            *slot = Some(match *slot {
                Some(before) => self.body.op(Op::Add, &[before, gradient]),
                None => gradient,
            });
        }
    }
}

/// Which instructions depend smoothly on a wanted read.
fn active(body: &Body, types: &[DType], wanted: &[bool]) -> Vec<bool> {
    let mut active: Vec<bool> = Vec::with_capacity(types.len());
    for (inst, dtype) in body.insts.iter().zip(types) {
        let flows = match inst {
            Inst::Read(read) => wanted.get(*read as usize) == Some(&true),
            Inst::Op(op, arguments) => {
                definition(*op).gradient.is_some() && arguments.iter().any(|&a| active[a as usize])
            }
            Inst::Index(_) | Inst::Const(_) => false,
        };
        active.push(flows && dtype.is_float());
    }
    active
}

/// Whether an operator costs much more than an addition.
pub fn is_expensive(op: Op) -> bool {
    match op {
        Op::Exp
        | Op::Log
        | Op::Sqrt
        | Op::Sin
        | Op::Cos
        | Op::Tanh
        | Op::Sigmoid
        | Op::Erf
        | Op::Div
        | Op::Pow
        | Op::Mod
        | Op::Philox
        | Op::NormalQuantile => true,
        Op::Neg
        | Op::Abs
        | Op::Sign
        | Op::Floor
        | Op::Add
        | Op::Sub
        | Op::Mul
        | Op::FloorDiv
        | Op::Min
        | Op::Max
        | Op::Lt
        | Op::Le
        | Op::Eq
        | Op::Ne
        | Op::And
        | Op::Or
        | Op::Not
        | Op::Select
        | Op::ToF32
        | Op::ToF64
        | Op::ToI32
        | Op::ToBool
        | Op::UnitUniform => false,
    }
}
