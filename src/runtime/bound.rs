//! A schedule bound to memory: the pointers of its outer steps, found once instead of in every run.
//!
//! A step of a small model is some microseconds of kernels; working out where each argument lies would be a third of that again. Slots
//! and workspace do not move, so what a run needs is a list of functions and pointers. Steps inside loops stay with the general walk,
//! since their addresses change from turn to turn.
use super::contraction::Operands;
use super::execute::{CheckFailure, Executable, Frame, KernelFunction, Memory, failure};
use super::runs::Lone;
use super::steps::{count_products, member_arguments};
use crate::kir::schedule::{Address, Step};

/// The outer steps of one executable with the pointers of one run's memory.
#[derive(Debug)]
pub struct Bound {
    steps: Vec<BoundStep>,
    pointers: Vec<*mut u8>,
}

// SAFETY: the pointers are used only in `Executable::run`, whose caller guarantees that their memory is valid and not used by anyone else
// meanwhile; a run's threads share them to read them.
unsafe impl Send for Bound {}
// SAFETY: as above.
unsafe impl Sync for Bound {}

#[derive(Debug)]
enum BoundStep {
    /// A kernel that one thread does whole and that cannot fail, the position of its first pointer, its positions.
    Alone {
        function: KernelFunction,
        first: usize,
        outer: usize,
    },
    /// A kernel's number, the position of its first pointer, its positions, the tasks that they are cut into.
    Kernel {
        kernel: usize,
        first: usize,
        outer: usize,
        tasks: usize,
        checks: bool,
    },
    /// A product's number, its number among the product steps, its operands, the pointers of what takes its result.
    Product {
        product: usize,
        number: usize,
        operands: Operands,
        taken: (usize, usize),
    },
    /// The position of a product with terms from a group, its number among the product steps, its operands, the position of the group's
    /// first pointer.
    Summed {
        step: usize,
        number: usize,
        operands: Operands,
        first: usize,
    },
    /// The position of a group, and of its first pointer.
    Group { step: usize, first: usize },
    /// The position of any other step, and the product steps before it.
    Other { step: usize, products: usize },
}

impl Executable {
    fn bound_kernel(
        &self,
        (kernel, outer, checks): (usize, usize, bool),
        first: usize,
        tasks: usize,
    ) -> BoundStep {
        if tasks == 1 && !checks {
            BoundStep::Alone {
                function: self.kernels[kernel],
                first,
                outer,
            }
        } else {
            BoundStep::Kernel {
                kernel,
                first,
                outer,
                tasks,
                checks,
            }
        }
    }
}

impl Bound {
    /// Binds the outer steps of an executable.
    ///
    /// # Safety
    /// `memory` holds the pointers of a run of `executable`, as [`Executable::run`] demands them.
    pub(super) unsafe fn new(executable: &Executable, memory: &Memory<'_>) -> Bound {
        let frame = Frame::outermost();
        let mut pointers = Vec::new();
        let mut products = 0;
        let mut steps = Vec::new();
        for (at, step) in executable.schedule().steps.iter().enumerate() {
            let first = pointers.len();
            // SAFETY: an address of the executable's schedule, of a step outside all loops; the memory is the caller's contract.
            let of = |address| unsafe { memory.at(address, &frame) };
            steps.push(match step {
                Step::Kernel {
                    kernel,
                    arguments,
                    outer,
                    work,
                    checks,
                    ..
                } => {
                    pointers.extend(arguments.iter().map(of));
                    let tasks = executable.kernel_tasks(*outer, *work);
                    executable.bound_kernel((*kernel, *outer, *checks), first, tasks)
                }
                Step::Product {
                    a,
                    b,
                    c,
                    terms: Some(group),
                    ..
                } => {
                    products += 1;
                    pointers.extend(group_arguments(group).map(of));
                    BoundStep::Summed {
                        step: at,
                        number: products - 1,
                        operands: Operands {
                            a: of(a),
                            b: of(b),
                            c: of(c),
                            packed: std::ptr::null(),
                        },
                        first,
                    }
                }
                Step::Product {
                    product, a, b, c, ..
                } => {
                    products += 1;
                    let takers = executable.taken_by(*product, products - 1);
                    pointers.extend(takers.iter().map(of));
                    BoundStep::Product {
                        product: *product,
                        number: products - 1,
                        taken: (first, pointers.len()),
                        operands: Operands {
                            a: of(a),
                            b: of(b),
                            c: of(c),
                            packed: std::ptr::null(),
                        },
                    }
                }
                Step::Group {
                    rows,
                    block,
                    members,
                } if rows <= block && executable.group_tasks(*rows, members) == 1 => {
                    // One block, done by one thread: its kernels one after another.
                    for member in members {
                        let Step::Kernel {
                            kernel,
                            arguments,
                            outer,
                            checks,
                            ..
                        } = member
                        else {
                            continue;
                        };
                        let first = pointers.len();
                        pointers.extend(arguments.iter().map(of));
                        steps.push(executable.bound_kernel((*kernel, *outer, *checks), first, 1));
                    }
                    continue;
                }
                Step::Group { .. } => {
                    pointers.extend(group_arguments(step).map(of));
                    BoundStep::Group { step: at, first }
                }
                Step::Zero { .. } | Step::Copy { .. } | Step::Turn { .. } | Step::Loop { .. } => {
                    let before = products;
                    products += count_products(std::slice::from_ref(step));
                    BoundStep::Other {
                        step: at,
                        products: before,
                    }
                }
            });
        }
        Bound { steps, pointers }
    }

    /// The one kernel that it is, done by one thread, where it is no more.
    pub(super) fn lone(&self, executable: &Executable) -> Option<Lone> {
        let (function, first, outer, checks) = match self.steps[..] {
            [
                BoundStep::Alone {
                    function,
                    first,
                    outer,
                },
            ] => (function, first, outer, false),
            [
                BoundStep::Kernel {
                    kernel,
                    first,
                    outer,
                    tasks: 1,
                    checks,
                },
            ] => (executable.kernels[kernel], first, outer, checks),
            _ => return None,
        };
        Some(Lone {
            function,
            arguments: self.pointers[first..].as_ptr(),
            outer: outer as i64,
            checks,
        })
    }

    /// Runs the steps in order.
    ///
    /// # Errors
    /// The first index check that failed.
    ///
    /// # Safety
    /// As for [`Executable::run`]; `executable` and the memory are those that it was bound to.
    pub(super) unsafe fn run(
        &self,
        executable: &Executable,
        memory: &Memory<'_>,
    ) -> Result<(), CheckFailure> {
        for step in &self.steps {
            // SAFETY: by this function's contract the pointers are those of the memory given, which `new` found for the same steps; they are
            // run in the schedule's order, outside all loops.
            unsafe {
                match *step {
                    BoundStep::Alone {
                        function,
                        first,
                        outer,
                    } => {
                        let arguments = self.pointers[first..].as_ptr();
                        function(arguments, 0, outer as i64, memory.status);
                    }
                    BoundStep::Kernel {
                        kernel,
                        first,
                        outer,
                        tasks,
                        checks,
                    } => {
                        executable.kernel_at(kernel, &self.pointers[first..], outer, tasks, memory);
                        if checks {
                            failure(memory.status)?;
                        }
                    }
                    BoundStep::Product {
                        product,
                        number,
                        operands,
                        taken: (first, end),
                    } => {
                        let taken = &self.pointers[first..end];
                        executable.product((product, number), operands, taken, memory);
                    }
                    BoundStep::Summed {
                        step,
                        number,
                        operands,
                        first,
                    } => {
                        let step = &executable.schedule().steps[step];
                        if let Step::Product {
                            product,
                            terms: Some(group),
                            ..
                        } = step
                        {
                            let terms = (&**group, &self.pointers[first..]);
                            executable.summed((*product, number), operands, terms, memory)?;
                        }
                    }
                    BoundStep::Group { step, first } => {
                        let step = &executable.schedule().steps[step];
                        executable.group_at(step, &self.pointers[first..], memory)?;
                    }
                    BoundStep::Other { step, products } => {
                        let step = std::slice::from_ref(&executable.schedule().steps[step]);
                        executable.steps(
                            step,
                            memory,
                            Frame::outermost(),
                            &mut products.clone(),
                        )?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The arguments of all members of a group, in order.
fn group_arguments(group: &Step) -> impl Iterator<Item = &Address> {
    let members = match group {
        Step::Group { members, .. } => &members[..],
        _ => &[],
    };
    members.iter().flat_map(member_arguments)
}
