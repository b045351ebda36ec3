//! What a kernel does, in numbers, from its loop nests alone.
use super::schedule::{Schedule, Step};
use super::{Kernel, Nest};
use crate::tir::{Affine, Inst};

impl Kernel {
    /// Scalar operations of a whole run (conversions and comparisons too), and bytes of the elements that it reads and writes, each
    /// element counted once for each access that differs.
    pub fn cost(&self) -> (usize, usize) {
        let costs = self.nests.iter().map(|nest| nest_cost(self, nest));
        costs.fold((0_usize, 0_usize), |sum, cost| {
            (sum.0.saturating_add(cost.0), sum.1.saturating_add(cost.1))
        })
    }
}

/// What a run does: scalar operations (two for a multiply-add) and bytes read and written, each kernel's for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Work {
    /// Operations.
    pub operations: f64,
    /// Bytes.
    pub bytes: f64,
}

impl Schedule {
    /// The work of one run of the whole schedule.
    pub fn work(&self) -> Work {
        let mut work = Work::default();
        self.add_work(&self.steps, 1.0, &mut work);
        work
    }

    /// Turns of all its loops, those within others for each of their turns.
    pub fn turns(&self) -> f64 {
        turns_of(&self.steps)
    }

    fn add_work(&self, steps: &[Step], turns: f64, work: &mut Work) {
        for step in steps {
            let mut add = |operations: usize, bytes: usize| {
                work.operations += turns * operations as f64;
                work.bytes += turns * bytes as f64;
            };
            match step {
                Step::Kernel { kernel, .. } => {
                    let (operations, bytes) = self.kernels[*kernel].cost();
                    add(operations, bytes);
                }
                Step::Product { product, .. } => {
                    let product = &self.products[*product];
                    add(2 * product.multiply_adds(), product.bytes());
                    work.bytes -= turns * step.kept_bytes(&self.products) as f64;
                }
                Step::Zero { bytes, .. } => add(0, *bytes),
                Step::Copy { bytes, .. } => add(0, 2 * bytes),
                Step::Turn { .. } => add(0, 4),
                Step::Group { .. } | Step::Loop { .. } => {}
            }
        }
        for step in steps {
            match step {
                Step::Group { members, .. } => self.add_work(members, turns, work),
                Step::Product { finish, terms, .. } => {
                    let members = finish.iter().flat_map(|finish| &finish.members);
                    for part in members.chain(terms.as_deref()) {
                        self.add_work(std::slice::from_ref(part), turns, work);
                    }
                }
                Step::Loop { length, body, .. } => {
                    self.add_work(body, turns * *length as f64, work);
                }
                Step::Kernel { .. } | Step::Zero { .. } | Step::Copy { .. } | Step::Turn { .. } => {
                }
            }
        }
    }
}

fn turns_of(steps: &[Step]) -> f64 {
    let turns = steps.iter().map(|step| match step {
        Step::Loop { length, body, .. } => *length as f64 * (1.0 + turns_of(body)),
        _ => 0.0,
    });
    turns.sum()
}

fn nest_cost(kernel: &Kernel, nest: &Nest) -> (usize, usize) {
    let extents: Vec<usize> = nest.free.iter().chain(&nest.reduce).copied().collect();
    let points = extents
        .iter()
        .fold(1, |points: usize, &extent| points.saturating_mul(extent));
    let operation = |inst: &&Inst| matches!(inst, Inst::Op(..));
    let per_point = nest.body.insts.iter().filter(operation).count()
        + usize::from(nest.reducer.is_some() || nest.store.accumulate);
    // What does not move with an index is read again from a register, what is gathered may lie anywhere.
    let touched = |offset: &Affine, gathered: bool| -> usize {
        if gathered {
            return points;
        }
        let moving = extents.iter().enumerate();
        let moving = moving.filter(|&(index, _)| offset.coefficient(index) != 0);
        moving.fold(1, |all: usize, (_, &extent)| all.saturating_mul(extent))
    };
    let size = |buffer: u32| kernel.buffers[buffer as usize].size();
    let mut bytes = touched(&nest.store.offset, !nest.store.gathers.is_empty())
        .saturating_mul(size(nest.store.buffer));
    for (at, access) in nest.accesses.iter().enumerate() {
        let known = nest.accesses[..at].iter().any(|other| {
            (other.buffer, &other.offset, &other.gathers)
                == (access.buffer, &access.offset, &access.gathers)
        });
        if !known {
            let read = touched(&access.offset, !access.gathers.is_empty());
            bytes = bytes.saturating_add(read.saturating_mul(size(access.buffer)));
        }
    }
    (points.saturating_mul(per_point), bytes)
}

#[cfg(test)]
mod tests {
    use crate::base::types::DType;
    use crate::kir::{Access, Kernel, Nest, Store};
    use crate::tir::{Affine, Body, Guard, Inst, Literal, Op, Order, Reducer};

    #[test]
    fn a_row_sum_of_products_counts_each_element_once() {
        let access = |buffer: u32, offset: Affine| Access {
            buffer,
            offset,
            gathers: Vec::new(),
            guard: Guard::always(),
            fill: Literal {
                dtype: DType::F32,
                value: 0.0,
            },
        };
        let mut body = Body::default();
        let arguments = [body.push(Inst::Read(0)), body.push(Inst::Read(1))];
        body.result = body.op(Op::Mul, &arguments);
        let matrix = Affine::index(0).times(5).plus(&Affine::index(1));
        let nest = Nest {
            free: vec![3],
            reduce: vec![5],
            reducer: Some(Reducer::Sum),
            order: Order::Chain,
            piece_length: 5,
            domain: Guard::always(),
            accesses: vec![access(0, matrix), access(1, Affine::index(1))],
            body,
            store: Store {
                buffer: 2,
                offset: Affine::index(0),
                gathers: Vec::new(),
                accumulate: false,
            },
        };
        let kernel = Kernel {
            name: "sum".into(),
            buffers: vec![DType::F32; 3],
            outer: 1,
            nests: vec![nest],
        };
        assert_eq!(kernel.cost(), (3 * 5 * 2, (15 + 5 + 3) * 4));
    }
}
