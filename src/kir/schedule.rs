//! The schedule of one step: which kernels and products run in which order on which memory. Made by `lower`, run by `runtime`.
use super::Kernel;
use crate::base::source::Span;
use crate::base::types::DType;
use crate::tir::Value;
use std::fmt;

/// Buffers of one kernel, at most.
pub const MOST_ARGUMENTS: usize = 32;

/// Everything that a compiled step does.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schedule {
    /// The loop kernels; equal ones occur once.
    pub kernels: Vec<Kernel>,
    /// The contractions; equal ones occur once.
    pub products: Vec<Product>,
    /// What runs, in order.
    pub steps: Vec<Step>,
    /// Bytes of the arena.
    pub arena_bytes: usize,
    /// Bytes of the largest set of buffers that live at one time: no plan can need less.
    pub live_bound: usize,
    /// Bytes of constants, in native order.
    pub constants: Vec<u8>,
    /// What each check number of the kernels stands for, by number.
    pub checks: Vec<CheckInfo>,
    /// Every buffer of the arena with its place and life, for listings.
    pub buffers: Vec<BufferInfo>,
}

/// A run-time check of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckInfo {
    /// The access in the source.
    pub origin: Span,
    /// One more than the greatest index.
    pub bound: usize,
}

/// A buffer of the arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BufferInfo {
    /// The values it holds.
    pub name: String,
    /// Where it starts.
    pub offset: usize,
    /// Its size.
    pub bytes: usize,
    /// First and last step that touch it, counted through loop bodies.
    pub life: (usize, usize),
}

/// One thing to run.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A loop kernel over the whole of its outer range.
    Kernel {
        /// Which.
        kernel: usize,
        /// Its buffers.
        arguments: Vec<Address>,
        /// Length of the outer range.
        outer: usize,
        /// Scalar operations per outer position, estimated.
        work: usize,
        /// Whether it can lower the status word, so that it must be tested before the next step.
        checks: bool,
        /// The value of its graph that it makes; `None` for a copy or a scatter.
        value: Option<Value>,
        /// The source it comes from.
        origin: Span,
    },
    /// Kernels that walk the same rows, block of rows after block: all members do a block before the next block begins.
    Group {
        /// Rows; each member's outer range is a multiple.
        rows: usize,
        /// Rows of a block.
        block: usize,
        /// The kernels, in order. Only the last may have checks.
        members: Vec<Step>,
    },
    /// A contraction `C = A · B`.
    Product {
        /// Which.
        product: usize,
        /// First operand.
        a: Address,
        /// Second operand.
        b: Address,
        /// Result.
        c: Address,
        /// Whether the second operand stays the same in every turn of the innermost loop around this step, so that it is packed once.
        constant_b: bool,
        /// Whether the first operand does.
        constant_a: bool,
        /// The value of its graph that it makes.
        value: Value,
        /// The source it comes from.
        origin: Span,
        /// What takes the result while it is made.
        finish: Option<Box<Finish>>,
        /// A group whose rows are the terms of the sum, to be run before: block of terms after block, each right before the product takes
        /// it.
        terms: Option<Box<Step>>,
    },
    /// Sets bytes to zero.
    Zero {
        /// Where.
        at: Address,
        /// How many.
        bytes: usize,
    },
    /// Copies bytes; the places do not overlap.
    Copy {
        /// Where from.
        from: Address,
        /// Where to.
        to: Address,
        /// How many.
        bytes: usize,
    },
    /// Stores the position of the innermost loop, as `i32`.
    Turn {
        /// Where.
        at: Address,
    },
    /// Runs its body `length` times.
    Loop {
        /// Number of turns.
        length: usize,
        /// Positions run from `length - 1` down to 0.
        reverse: bool,
        /// What one turn runs.
        body: Vec<Step>,
        /// The first result of the scan that it runs.
        value: Option<Value>,
    },
}

/// Buffers of all kernels of one finish.
pub const MOST_FINISH_ARGUMENTS: usize = 48;

/// Kernels to which alone the result of a product is of use, and which walk its rows as it does: each block of rows may go through them as
/// soon as it is there, and the next block take its memory. So the result need never be whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Finish {
    /// Rows of the result, one after another in memory; each member's outer range is this many or `rows * columns`.
    pub rows: usize,
    /// Elements of a row.
    pub columns: usize,
    /// Whether the indices of a row are the second operand's.
    pub rows_of_b: bool,
    /// The kernels, in order, none with checks.
    pub members: Vec<Step>,
}

/// Where memory starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Base {
    /// The arena.
    Arena,
    /// The storage of an input of the graph.
    Input(u32),
    /// The storage of an output of the graph.
    Output(u32),
    /// The constants.
    Constant,
}

/// A place in memory: `base + offset`, moved by the loops around.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Where it starts.
    pub base: Base,
    /// Bytes from there.
    pub offset: usize,
    /// For loops around, outermost loop number 0: (loop, bytes per position).
    pub moves: Vec<(usize, isize)>,
    /// Alternation between two buffers: (loop, bytes between them, phase): adds the bytes where (turns done + phase) is odd.
    pub alternates: Option<(usize, usize, usize)>,
}

/// `C[...] = Σ A[...] · B[...]`, each operand addressed by one stride per index.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Product {
    /// Element type of all three.
    pub dtype: DType,
    /// Free indices, outermost first.
    pub free: Vec<ProductIndex>,
    /// Reduction indices, outermost first (the stride in C is 0).
    pub reduce: Vec<ProductIndex>,
}

/// An index of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProductIndex {
    /// Number of values.
    pub extent: usize,
    /// Elements per step in A.
    pub a: isize,
    /// Elements per step in B.
    pub b: isize,
    /// Elements per step in C.
    pub c: isize,
}

impl Product {
    /// Bytes of the result.
    pub fn result_bytes(&self) -> usize {
        let elements: usize = self.free.iter().map(|index| index.extent).product();
        elements * self.dtype.size()
    }

    /// Bytes of the elements that it reads and writes, each counted once.
    pub fn bytes(&self) -> usize {
        self.operand_bytes(|index| index.a)
            + self.operand_bytes(|index| index.b)
            + self.operand_bytes(|index| index.c)
    }

    /// Bytes of the elements of the operand or result whose strides these are.
    pub fn operand_bytes(&self, stride: impl Fn(&ProductIndex) -> isize) -> usize {
        let indices = self.free.iter().chain(&self.reduce);
        let moving = indices.filter(|index| stride(index) != 0);
        moving.map(|index| index.extent).product::<usize>() * self.dtype.size()
    }

    /// Multiply-adds.
    pub fn multiply_adds(&self) -> usize {
        self.free
            .iter()
            .chain(&self.reduce)
            .map(|index| index.extent)
            .product()
    }
}

impl Step {
    /// The bytes of a product's result that its finish keeps from being written and read, and those of operands that lie in a cache from
    /// the kernels of its terms.
    pub fn kept_bytes(&self, products: &[Product]) -> usize {
        let Step::Product {
            product,
            a,
            b,
            c,
            finish,
            terms,
            ..
        } = self
        else {
            return 0;
        };
        let product = &products[*product];
        let touches = |step: &&Step, address: &Address| matches!(step, Step::Kernel { arguments, .. } if arguments.contains(address));
        let of_result = finish.as_ref().map_or(0, |finish| {
            let members = finish.members.iter();
            (1 + members.filter(|step| touches(step, c)).count()) * product.result_bytes()
        });
        let Some(Step::Group { members, .. }) = terms.as_deref() else {
            return of_result;
        };
        let near = |address| members.iter().any(|step| touches(&step, address));
        let operands = [
            (near(a), product.operand_bytes(|index| index.a)),
            (near(b), product.operand_bytes(|index| index.b)),
        ];
        of_result
            + operands
                .iter()
                .filter(|(near, _)| *near)
                .map(|(_, bytes)| bytes)
                .sum::<usize>()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.base {
            Base::Arena => write!(f, "arena+{}", self.offset)?,
            Base::Input(at) => write!(f, "input{at}+{}", self.offset)?,
            Base::Output(at) => write!(f, "output{at}+{}", self.offset)?,
            Base::Constant => write!(f, "constant+{}", self.offset)?,
        }
        for (at, bytes) in &self.moves {
            write!(f, "+{bytes}*t{at}")?;
        }
        if let Some((at, bytes, phase)) = self.alternates {
            write!(f, "+{bytes}*((n{at}+{phase})%2)")?;
        }
        Ok(())
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |indices: &[ProductIndex]| {
            indices
                .iter()
                .map(|i| format!("{}:{}/{}/{}", i.extent, i.a, i.b, i.c))
                .collect::<Vec<_>>()
                .join(" ")
        };
        write!(
            f,
            "{} free [{}] reduce [{}] (extent:a/b/c strides)",
            self.dtype,
            part(&self.free),
            part(&self.reduce)
        )
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "arena {} bytes, live bound {} bytes, constants {} bytes",
            self.arena_bytes,
            self.live_bound,
            self.constants.len()
        )?;
        write_steps(f, self, &self.steps, 1)
    }
}

fn write_steps(
    f: &mut fmt::Formatter<'_>,
    schedule: &Schedule,
    steps: &[Step],
    depth: usize,
) -> fmt::Result {
    let margin = "  ".repeat(depth);
    for step in steps {
        match step {
            Step::Kernel {
                kernel,
                arguments,
                outer,
                ..
            } => {
                let arguments: Vec<String> = arguments.iter().map(Address::to_string).collect();
                writeln!(
                    f,
                    "{margin}{}#{kernel} over {outer} ({})",
                    schedule.kernels[*kernel].name,
                    arguments.join(", ")
                )?;
            }
            Step::Group {
                rows,
                block,
                members,
            } => {
                writeln!(f, "{margin}group {rows} rows by {block} {{")?;
                write_steps(f, schedule, members, depth + 1)?;
                writeln!(f, "{margin}}}")?;
            }
            Step::Product {
                product,
                a,
                b,
                c,
                finish,
                terms,
                ..
            } => {
                if let Some(terms) = terms {
                    writeln!(f, "{margin}terms of product#{product} from {{")?;
                    write_steps(f, schedule, std::slice::from_ref(terms), depth + 1)?;
                    writeln!(f, "{margin}}}")?;
                }
                let what = &schedule.products[*product];
                write!(f, "{margin}product#{product} {c} = {a} * {b}: {what}")?;
                if let Some(finish) = finish {
                    writeln!(f, " into {{")?;
                    write_steps(f, schedule, &finish.members, depth + 1)?;
                    write!(f, "{margin}}}")?;
                }
                writeln!(f)?;
            }
            Step::Zero { at, bytes } => writeln!(f, "{margin}zero {at}, {bytes} bytes")?,
            Step::Copy { from, to, bytes } => {
                writeln!(f, "{margin}copy {to} = {from}, {bytes} bytes")?
            }
            Step::Turn { at } => writeln!(f, "{margin}turn {at}")?,
            Step::Loop {
                length,
                reverse,
                body,
                ..
            } => {
                writeln!(
                    f,
                    "{margin}loop {length}{} {{",
                    if *reverse { " reverse" } else { "" }
                )?;
                write_steps(f, schedule, body, depth + 1)?;
                writeln!(f, "{margin}}}")?;
            }
        }
    }
    Ok(())
}
