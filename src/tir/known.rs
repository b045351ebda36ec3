//! Where each instruction of a body stands, so that a long body finds the equal of a new one at once.
use super::graph::Inst;
use rustc_hash::FxHashMap;
use std::hash::{Hash, Hasher};

/// Bodies below this length are looked through.
const SHORT: usize = 48;

/// The first position of each instruction. No part of what a body is: all of them are equal, a clone begins empty.
#[derive(Debug, Default)]
pub(super) struct Known {
    first: FxHashMap<Inst, u32>,
    /// How many instructions are in it.
    covered: usize,
}

impl Known {
    /// The first instruction that equals this one.
    pub fn position(&mut self, insts: &[Inst], wanted: &Inst) -> Option<u32> {
        if insts.len() < SHORT {
            return insts
                .iter()
                .position(|inst| inst == wanted)
                .map(|at| at as u32);
        }
        if insts.len() < self.covered {
            *self = Known::default();
        }
        for (at, inst) in insts.iter().enumerate().skip(self.covered) {
            self.first.entry(inst.clone()).or_insert(at as u32);
        }
        self.covered = insts.len();
        let at = self.first.get(wanted).copied()?;
        // Whoever has changed an instruction in its place has made it stale.
        if insts.get(at as usize) == Some(wanted) {
            return Some(at);
        }
        *self = Known::default();
        self.position(insts, wanted)
    }
}

impl Clone for Known {
    fn clone(&self) -> Known {
        Known::default()
    }
}

impl PartialEq for Known {
    fn eq(&self, _: &Known) -> bool {
        true
    }
}

impl Eq for Known {}

impl Hash for Known {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

#[cfg(test)]
mod tests {
    use crate::base::types::DType;
    use crate::tir::{Body, Inst, Literal, Op};

    #[test]
    fn a_long_body_finds_its_instructions() {
        let mut body = Body::default();
        let numbers: Vec<u32> = (0..100)
            .map(|x| body.constant(DType::F32, f64::from(x)))
            .collect();
        assert_eq!(numbers, (0..100).collect::<Vec<u32>>());
        let sum = body.op(Op::Add, &[3, 70]);
        assert_eq!((sum, body.op(Op::Add, &[3, 70])), (100, 100));
        assert_eq!(body.constant(DType::F32, 70.0), 70);
        let mut copy = body.clone();
        assert_eq!(copy, body);
        assert_eq!(copy.op(Op::Add, &[3, 70]), 100);
    }

    #[test]
    fn what_was_changed_or_cut_off_is_not_found() {
        let mut body = Body::default();
        for x in 0..100 {
            body.constant(DType::F32, f64::from(x));
        }
        body.insts[70] = Inst::Const(Literal {
            dtype: DType::F32,
            value: -1.0,
        });
        assert_eq!(body.constant(DType::F32, 70.0), 100);
        assert_eq!(body.constant(DType::F32, -1.0), 70);
        body.insts.truncate(60);
        assert_eq!(body.constant(DType::F32, 99.0), 60);
    }
}
