//! Bundles: neighbouring small kernels as one.
//!
//! A step of a softmax regression is some twenty kernels of sixteen rows; calling one, with its pointers loaded and its registers saved,
//! takes about as long as what it computes. So kernels of little work that follow one another are made one kernel without a range: their
//! nests in their order, each over the whole of its own. Nothing is reordered and no body changes, so the bits are the same; the code
//! knows every extent, loads each pointer once, and what lies in one buffer (the arena above all) is one pointer with displacements. An index
//! out of bounds ends a bundle where it is found, as it ends a run of kernels.
//!
//! Done last, on the schedule that is run: listings and profiles, which tell kernels apart, are of the schedule before.
use crate::base::types::DType;
use crate::kir::schedule::{Address, MOST_ARGUMENTS, Schedule, Step};
use crate::kir::{Kernel, Nest};
use rustc_hash::FxHashMap;

/// Scalar operations of a kernel that joins others, at most: about a microsecond. For more the call does not matter. A small
/// contraction joins in any case.
const MOST_WORK: usize = 4096;
/// Instructions that a nest of a contraction counts for: it is several tiles.
const OF_A_CONTRACTION: usize = 40;
/// Instructions of all bodies of a bundle, at most: the time that registers take to allocate grows faster than the code.
const MOST_INSTRUCTIONS: usize = 240;
/// The greatest divisor of an offset, to whose dividend the place in the arena is added that many times.
const MOST_DIVISOR: i64 = 1 << 20;

/// The name by which bundles are left out, like a pass.
pub const BUNDLE: &str = "bundle";

/// Makes bundles of the small kernels of a schedule, in the bodies of loops too.
pub fn bundle(schedule: Schedule) -> Schedule {
    let mut bundles = Bundles {
        from: &schedule.kernels,
        kernels: Vec::new(),
        numbers: FxHashMap::default(),
    };
    let steps = bundles.steps(schedule.steps);
    Schedule {
        kernels: bundles.kernels,
        steps,
        ..schedule
    }
}

struct Bundles<'a> {
    from: &'a [Kernel],
    /// Those of the new schedule.
    kernels: Vec<Kernel>,
    /// The new numbers of kernels that stay as they are.
    numbers: FxHashMap<usize, usize>,
}

/// A bundle to which kernels are still added.
#[derive(Default)]
struct Open {
    members: Vec<Step>,
    joined: Joined,
    /// Instructions of all bodies.
    instructions: usize,
}

impl Bundles<'_> {
    fn steps(&mut self, steps: Vec<Step>) -> Vec<Step> {
        let (mut done, mut open) = (Vec::new(), Open::default());
        for step in steps {
            let members = match step {
                Step::Group {
                    rows,
                    block,
                    members,
                } if rows <= block && members.iter().all(|step| self.is_small(step)) => members,
                Step::Kernel { .. } if self.is_small(&step) => vec![step],
                _ => {
                    self.close(&mut open, &mut done);
                    done.push(self.other(step));
                    continue;
                }
            };
            for member in members {
                self.add(member, &mut open, &mut done);
            }
        }
        self.close(&mut open, &mut done);
        done
    }

    /// Whether a step is a kernel that may join others.
    fn is_small(&self, step: &Step) -> bool {
        match step {
            Step::Kernel {
                kernel,
                outer,
                work,
                ..
            } => {
                let kernel = &self.from[*kernel];
                let little = outer.saturating_mul(*work) <= MOST_WORK;
                (little || is_small_contraction(kernel)) && can_be_moved(kernel)
            }
            _ => false,
        }
    }

    /// Adds a kernel to the bundle that is open, or to a new one where it has no room.
    fn add(&mut self, member: Step, open: &mut Open, done: &mut Vec<Step>) {
        let Step::Kernel {
            kernel, arguments, ..
        } = &member
        else {
            return;
        };
        let kernel = &self.from[*kernel];
        let instructions = if is_small_contraction(kernel) {
            OF_A_CONTRACTION
        } else {
            let bodies = kernel.nests.iter().map(|nest| nest.body.insts.len());
            bodies.sum::<usize>().max(1)
        };
        let places = arguments.iter().zip(&kernel.buffers);
        let buffers = open.joined.buffers.len() + open.joined.missing(places);
        if open.instructions + instructions > MOST_INSTRUCTIONS || buffers > MOST_ARGUMENTS {
            self.close(open, done);
        }
        open.joined.push(kernel, arguments);
        open.instructions += instructions;
        open.members.push(member);
    }

    /// A step as it was, with its kernel under the new number.
    fn other(&mut self, step: Step) -> Step {
        match step {
            Step::Kernel { kernel, .. } => {
                let number = *self.numbers.entry(kernel).or_insert_with(|| {
                    self.kernels.push(self.from[kernel].clone());
                    self.kernels.len() - 1
                });
                renumbered(step, number)
            }
            Step::Group {
                rows,
                block,
                members,
            } => Step::Group {
                rows,
                block,
                members: members.into_iter().map(|step| self.other(step)).collect(),
            },
            Step::Loop {
                length,
                reverse,
                body,
                value,
            } => Step::Loop {
                length,
                reverse,
                body: self.steps(body),
                value,
            },
            Step::Product {
                product,
                a,
                b,
                c,
                constant_b,
                constant_a,
                value,
                origin,
                finish,
                terms,
            } => Step::Product {
                product,
                a,
                b,
                c,
                constant_b,
                constant_a,
                value,
                origin,
                finish: finish.map(|mut finish| {
                    let members = std::mem::take(&mut finish.members).into_iter();
                    finish.members = members.map(|step| self.other(step)).collect();
                    finish
                }),
                terms: terms.map(|group| Box::new(self.other(*group))),
            },
            Step::Zero { .. } | Step::Copy { .. } | Step::Turn { .. } => step,
        }
    }

    /// Ends the bundle that is open.
    fn close(&mut self, open: &mut Open, done: &mut Vec<Step>) {
        let Open {
            members, joined, ..
        } = std::mem::take(open);
        let [
            Step::Kernel {
                kernel: first,
                origin,
                ..
            },
            ..,
            Step::Kernel { kernel: last, .. },
        ] = &members[..]
        else {
            done.extend(members.into_iter().map(|step| self.other(step)));
            return;
        };
        let mut work = 0;
        let mut may_fail = false;
        for member in &members {
            if let Step::Kernel {
                outer,
                work: each,
                checks,
                ..
            } = member
            {
                work += outer * each;
                may_fail |= checks;
            }
        }
        let name = |kernel: &usize| &self.from[*kernel].name;
        let bundle = Step::Kernel {
            kernel: self.kernels.len(),
            arguments: joined.addresses,
            outer: 1,
            work,
            checks: may_fail,
            value: None,
            origin: *origin,
        };
        self.kernels.push(Kernel {
            name: format!("{}_to_{}", name(first), name(last)),
            buffers: joined.buffers,
            outer: 0,
            nests: joined.nests,
        });
        done.push(bundle);
    }
}

/// Whether a kernel is a contraction that its nest does whole, as [`super::small`] makes them.
fn is_small_contraction(kernel: &Kernel) -> bool {
    kernel.outer == 0 && kernel.nests.iter().all(|nest| nest.reducer.is_some())
}

/// Whether the offsets of a kernel hold the place of another buffer too.
fn can_be_moved(kernel: &Kernel) -> bool {
    let mut accesses = kernel.nests.iter().flat_map(|nest| &nest.accesses);
    accesses.all(|access| access.offset.divisor() <= MOST_DIVISOR)
}

fn renumbered(step: Step, number: usize) -> Step {
    match step {
        Step::Kernel {
            kernel: _,
            arguments,
            outer,
            work,
            checks,
            value,
            origin,
        } => Step::Kernel {
            kernel: number,
            arguments,
            outer,
            work,
            checks,
            value,
            origin,
        },
        step => step,
    }
}

/// Several kernels as one, with what it is called with.
#[derive(Default)]
struct Joined {
    buffers: Vec<DType>,
    addresses: Vec<Address>,
    nests: Vec<Nest>,
}

impl Joined {
    fn push(&mut self, kernel: &Kernel, arguments: &[Address]) {
        let places: Vec<(u32, i64)> = arguments
            .iter()
            .zip(&kernel.buffers)
            .map(|(address, dtype)| self.place(address, *dtype))
            .collect();
        for nest in &kernel.nests {
            let mut nest = nest.clone();
            for access in &mut nest.accesses {
                let (buffer, shift) = places[access.buffer as usize];
                access.buffer = buffer;
                access.offset = access.offset.plus_constant(shift);
            }
            let (buffer, shift) = places[nest.store.buffer as usize];
            nest.store.buffer = buffer;
            nest.store.offset = nest.store.offset.plus_constant(shift);
            self.nests.push(nest);
        }
    }

    fn position(&self, start: &Address, dtype: DType) -> Option<usize> {
        let mut known = self.addresses.iter().zip(&self.buffers);
        known.position(|(other, held)| other == start && *held == dtype)
    }

    /// How many buffers these addresses would add, at most.
    fn missing<'a>(&self, places: impl Iterator<Item = (&'a Address, &'a DType)>) -> usize {
        let new = places.filter(|(address, dtype)| {
            let (start, _) = start_of(address, **dtype);
            self.position(&start, **dtype).is_none()
        });
        new.count()
    }

    /// The number of the buffer that an address is in, and the elements from its start to there.
    fn place(&mut self, address: &Address, dtype: DType) -> (u32, i64) {
        let (start, shift) = start_of(address, dtype);
        let number = self.position(&start, dtype).unwrap_or_else(|| {
            self.addresses.push(start);
            self.buffers.push(dtype);
            self.addresses.len() - 1
        });
        (number as u32, shift)
    }
}

/// The start of the buffer that an address is in, and the elements from there to it; the address itself where loops move it.
fn start_of(address: &Address, dtype: DType) -> (Address, i64) {
    let fixed = address.moves.is_empty() && address.alternates.is_none();
    if !fixed || !address.offset.is_multiple_of(dtype.size()) {
        return (address.clone(), 0);
    }
    let start = Address {
        offset: 0,
        ..address.clone()
    };
    (start, (address.offset / dtype.size()) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::Span;
    use crate::kir::schedule::Base;
    use crate::kir::{Access, Store};
    use crate::tir::{Affine, Body, Guard, Inst, Literal, Order};

    /// `b1[i] = b0[i]` for so many `i`.
    fn copy(name: &str, extent: usize) -> Kernel {
        let mut body = Body::default();
        body.result = body.push(Inst::Read(0));
        let nest = Nest {
            free: vec![extent],
            reduce: vec![],
            reducer: None,
            order: Order::Chain,
            piece_length: 1,
            domain: Guard::always(),
            accesses: vec![Access {
                buffer: 0,
                offset: Affine::index(0),
                gathers: vec![],
                guard: Guard::always(),
                fill: Literal {
                    dtype: DType::F32,
                    value: 0.0,
                },
            }],
            body,
            store: Store {
                buffer: 1,
                offset: Affine::index(0),
                gathers: vec![],
                accumulate: false,
            },
        };
        Kernel {
            name: name.into(),
            buffers: vec![DType::F32; 2],
            outer: 1,
            nests: vec![nest],
        }
    }

    fn at(base: Base, offset: usize) -> Address {
        Address {
            base,
            offset,
            moves: vec![],
            alternates: None,
        }
    }

    fn call(kernel: usize, from: Address, to: Address, outer: usize, checks: bool) -> Step {
        Step::Kernel {
            kernel,
            arguments: vec![from, to],
            outer,
            work: 1,
            checks,
            value: None,
            origin: Span::default(),
        }
    }

    fn schedule(steps: Vec<Step>) -> Schedule {
        Schedule {
            kernels: vec![copy("small", 8), copy("large", 100_000)],
            steps,
            ..Schedule::default()
        }
    }

    #[test]
    fn small_neighbours_are_one_kernel_on_few_pointers() {
        let (input, arena) = (at(Base::Input(0), 0), |offset| at(Base::Arena, offset));
        let mut moving = arena(64);
        moving.moves = vec![(0, 32)];
        let bundled = bundle(schedule(vec![
            call(0, input.clone(), arena(0), 8, false),
            call(0, arena(0), arena(64), 8, false),
            call(0, moving, arena(128), 8, false),
            call(1, arena(128), arena(256), 100_000, false),
            call(0, arena(256), at(Base::Output(0), 32), 8, false),
        ]));
        let shown = bundled.to_string();
        let expected = "\
arena 0 bytes, live bound 0 bytes, constants 0 bytes
  small_to_small#0 over 1 (input0+0, arena+0, arena+64+32*t0)
  large#1 over 100000 (arena+128, arena+256)
  small#2 over 8 (arena+256, output0+32)
";
        assert_eq!(shown, expected);
        let offsets: Vec<(u32, i64)> = bundled.kernels[0]
            .nests
            .iter()
            .map(|nest| (nest.store.buffer, nest.store.offset.offset()))
            .collect();
        assert_eq!(offsets, [(1, 0), (1, 16), (1, 32)]);
    }

    #[test]
    fn a_bundle_may_fail_where_a_member_may() {
        let arena = |offset| at(Base::Arena, offset);
        let checks = |checked: bool| {
            let bundled = bundle(schedule(vec![
                call(0, arena(0), arena(64), 8, false),
                call(0, arena(64), arena(128), 8, checked),
                call(0, arena(128), arena(256), 8, false),
            ]));
            let checks = bundled.steps.iter().map(|step| match step {
                Step::Kernel { checks, .. } => *checks,
                _ => panic!("a step that is no kernel"),
            });
            checks.collect::<Vec<bool>>()
        };
        assert_eq!(checks(true), [true]);
        assert_eq!(checks(false), [false]);
    }
}
