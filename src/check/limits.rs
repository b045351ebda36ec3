//! What keeps the elaboration of a program within time and memory: everything is written out, so a few lines may ask for any amount.
use super::Checker;
use super::values::{Ix, Outcome, Reported, Val};
use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::source::Span;
use crate::base::types::Type;
use crate::tir::Reducer;

/// Most evaluations of statements and calls of one program. `fn`s that call themselves twice and nested unrolled loops grow as powers.
pub const MOST_EVALUATIONS: u64 = 400_000;
/// Most nodes of one step as written, before its gradients.
pub const MOST_NODES: usize = 100_000;
/// Most operations of one expression over indices, written out: they become one kernel.
pub const MOST_IN_A_BODY: usize = 10_000;
/// Most turns of one unrolled loop.
pub const MOST_TURNS: i64 = 4096;
/// Most dimensions of a tensor.
pub const MOST_DIMENSIONS: usize = 32;
/// Most indices that one `let` or reduction declares.
pub const MOST_INDICES: usize = 2 * MOST_DIMENSIONS;
/// Most bytes of a tensor were its elements of eight bytes: 2^37 elements. What is below and more than the machine has is refused before
/// the run, when all memory that the program needs is known.
pub const MOST_TENSOR_BYTES: usize = 1 << 40;
/// Most terms of a reduction, all elements of its result together: more than any machine adds up in a year.
pub const MOST_TERMS: u128 = 1 << 60;
/// Most files that one program imports.
pub const MOST_IMPORTS: usize = 64;

/// Most diagnostics of one program. After so many errors the elaboration ends.
pub const MOST_DIAGNOSTICS: usize = 100;
/// Most bytes of a string known at compile time.
pub const MOST_TEXT: usize = 1 << 20;
/// Most values of a tuple, with those of the tuples in it.
pub const MOST_PARTS: usize = 65_536;
/// Most tuples within each other, and most functions that hold one another.
pub const MOST_WITHIN: usize = 100;
/// Most scans within each other as written; of what is left of them a run has places for fewer.
pub const MOST_SCANS: usize = 12;

impl Checker<'_> {
    /// Whether nothing is to be said beside what has been said. The last error that is said ends the elaboration.
    pub(super) fn said_enough(&mut self, diagnostic: &mut Diagnostic) -> bool {
        let is_error = |said: &&Diagnostic| said.severity == Severity::Error;
        match diagnostic.severity {
            Severity::Warning => self.diagnostics.len() >= MOST_DIAGNOSTICS,
            Severity::Error => {
                let errors = self.diagnostics.iter().filter(is_error).count();
                if errors + 1 == MOST_DIAGNOSTICS {
                    self.exhausted = true;
                    diagnostic
                        .notes
                        .push("there may be more errors after this one".into());
                }
                errors >= MOST_DIAGNOSTICS
            }
        }
    }

    /// Refuses a string that grew without bound, as one that is put into itself twice does.
    pub(super) fn text_within_limits(&mut self, bytes: usize, span: Span) -> Outcome<()> {
        if bytes <= MOST_TEXT {
            return Ok(());
        }
        self.error(
            "E0452",
            span,
            format!("a string of {bytes} bytes"),
            format!("a string has at most {MOST_TEXT} bytes"),
        )
    }

    /// Refuses a tuple that grew without bound.
    pub(super) fn tuple_within_limits(&mut self, parts: &[Val], span: Span) -> Outcome<()> {
        let count = parts_of(parts);
        if count > MOST_PARTS {
            return self.too_many_parts(count, span);
        }
        if 1 + depth_of(parts) > MOST_WITHIN {
            return self.error(
                "E0453",
                span,
                format!("more than {MOST_WITHIN} tuples within each other"),
                "keep many values in a tensor, or side by side in one tuple",
            );
        }
        Ok(())
    }

    /// Refuses a function that holds functions that hold functions, without bound.
    pub(super) fn functions_within_limits(&mut self, depth: usize, span: Span) -> Outcome<()> {
        if depth <= MOST_WITHIN {
            return Ok(());
        }
        self.exhausted = true;
        self.error(
            "E0413",
            span,
            format!("more than {MOST_WITHIN} functions hold one another here"),
            "a function that is wrapped again and again grows with each turn: call it in a loop instead",
        )
    }

    /// Refuses a scan within more others than are ever run.
    pub(super) fn scans_within_limits(&mut self, around: usize, span: Span) -> Outcome<()> {
        if around < MOST_SCANS {
            return Ok(());
        }
        self.exhausted = true;
        self.error(
            "E0607",
            span,
            format!("more than {MOST_SCANS} scans within each other"),
            "join scans that walk the same way, or walk two ways at once with a range of their product",
        )
    }

    /// The refusal of a tuple of so many values.
    pub(super) fn too_many_parts<T>(&mut self, count: usize, span: Span) -> Outcome<T> {
        self.error(
            "E0453",
            span,
            format!("a tuple of {count} values, with those of the tuples in it"),
            format!("a tuple has at most {MOST_PARTS}: keep many values in a tensor"),
        )
    }

    /// An expression over indices, if it is not too long.
    pub(super) fn indexed(&mut self, ix: Ix, span: Span) -> Outcome<Val> {
        if ix.fits(&mut { MOST_IN_A_BODY }) {
            return Ok(self.ix(ix));
        }
        self.exhausted = true;
        self.error(
            "E0451",
            span,
            format!("an expression over indices has more than {MOST_IN_A_BODY} operations"),
            "functions are written out at every use: name parts of it, `let y[i] = ...`, and index those",
        )
    }

    /// Counts an evaluation. Beyond the limit everything fails, so that the elaboration ends soon.
    pub(super) fn spend(&mut self, span: Span) -> Outcome<()> {
        if self.exhausted {
            return Err(Reported);
        }
        self.evaluations += 1;
        if self.evaluations <= MOST_EVALUATIONS {
            return Ok(());
        }
        self.exhausted = true;
        self.error(
            "E0450",
            span,
            format!("the program writes out more than {MOST_EVALUATIONS} statements"),
            "functions, layers and `for` loops inside them are written out at every use: walk long ways with `scan`, and call a function that calls itself once only",
        )
    }

    /// Looks at what has been added to the open graph: too many nodes, or a tensor beyond any memory.
    pub(super) fn within_limits(&mut self, span: Span) -> Outcome<()> {
        let Some(open) = self.segment.open.last_mut() else {
            return Ok(());
        };
        let nodes = open.graph.node_count();
        let from = std::mem::replace(&mut open.looked_at, nodes);
        if nodes > MOST_NODES {
            self.exhausted = true;
            return self.error(
                "E0451",
                span,
                format!("one step of the program has more than {MOST_NODES} operations"),
                "walk long ways with `scan`, which is written out once",
            );
        }
        let too_large = open
            .graph
            .nodes_since(from)
            .flat_map(|data| &data.results)
            .map(|&value| open.graph.ty(value))
            .find(|ty| !is_possible(ty));
        match too_large.map(|ty| ty.shape.clone()) {
            Some(shape) => {
                self.exhausted = true;
                self.fits_memory(&shape, span)
            }
            None => Ok(()),
        }
    }

    /// Refuses a reduction of more terms than are ever computed, and positions that an `i32` does not hold.
    pub(super) fn terms_within_limits(
        &mut self,
        reducer: Option<Reducer>,
        shape: &[usize],
        reduce: &[usize],
        span: Span,
    ) -> Outcome<()> {
        let product = |sizes: &[usize]| {
            let sizes = sizes.iter().map(|&size| size as u128);
            sizes.fold(1, u128::saturating_mul)
        };
        if reducer == Some(Reducer::ArgMax) {
            self.position_within_i32(product(reduce), "a position of `argmax`", span)?;
        }
        if product(shape).saturating_mul(product(reduce)) <= MOST_TERMS {
            return Ok(());
        }
        self.error(
            "E0352",
            span,
            format!("a reduction over indices of sizes {reduce:?} never ends"),
            "a reduction takes at most 2^60 terms, all elements of its result together",
        )
    }

    /// Refuses positions up to that count, of which the last does not fit an `i32`.
    pub(super) fn position_within_i32(
        &mut self,
        count: u128,
        what: &str,
        span: Span,
    ) -> Outcome<()> {
        if count <= 1 << 31 {
            return Ok(());
        }
        self.error(
            "E0311",
            span,
            format!("{what} goes to {}, beyond an i32", count - 1),
            "positions reach to 2147483647: take fewer at a time",
        )
    }

    /// Refuses sizes whose product is beyond any memory, before anything is computed with it.
    pub(super) fn fits_memory(&mut self, shape: &[usize], span: Span) -> Outcome<()> {
        if shape.len() > MOST_DIMENSIONS {
            let message = format!("a tensor of {} dimensions", shape.len());
            let help = format!("a tensor has at most {MOST_DIMENSIONS} dimensions");
            return self.error("E0366", span, message, help);
        }
        if within(shape) {
            return Ok(());
        }
        self.error(
            "E0352",
            span,
            format!("a tensor of sizes {shape:?} is too large"),
            "a tensor has at most 2^37 elements",
        )
    }
}

fn within(shape: &[usize]) -> bool {
    let bytes = shape
        .iter()
        .try_fold(8usize, |product, &size| product.checked_mul(size.max(1)));
    bytes.is_some_and(|bytes| bytes <= MOST_TENSOR_BYTES)
}

fn is_possible(ty: &Type) -> bool {
    ty.shape.len() <= MOST_DIMENSIONS && within(&ty.shape)
}

/// Tuples within each other in these values.
fn depth_of(parts: &[Val]) -> usize {
    let depth = |part: &Val| match part {
        Val::Tuple(inner) => 1 + depth_of(inner),
        _ => 0,
    };
    parts.iter().map(depth).max().unwrap_or(0)
}

fn parts_of(parts: &[Val]) -> usize {
    let count = |part: &Val| match part {
        Val::Tuple(inner) => parts_of(inner),
        _ => 1,
    };
    parts.iter().map(count).sum()
}
