//! Why a run stopped.
use crate::base::data::DataError;
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;
use crate::check::program::Program;
use std::fmt;

/// A run stopped: what is said about it, and whether a file was missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunError {
    /// The message with its place in the source.
    pub diagnostic: Box<Diagnostic>,
    /// Whether a file could not be read or written.
    pub missing: bool,
    /// Where a loss or parameter that is not finite stopped it: which, and when.
    pub not_finite: Option<NotFinite>,
}

/// What became infinite or NaN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFinite {
    /// The parameter's path, or `loss`.
    pub name: String,
    /// The step: `epoch 2/20, step 5/45`, `turn 412 of 1000`; empty where the program has no loop there.
    pub place: String,
}

/// An index out of range.
pub const OUT_OF_RANGE: &str = "E0601";
/// An assertion that does not hold.
pub const ASSERTION: &str = "E0602";
/// A file that cannot be read, written or used.
pub const FILE: &str = "E0603";
/// A state that does not belong to the program.
pub const STATE: &str = "E0604";
/// A loss or parameter that is not finite.
pub const NOT_FINITE: &str = "E0605";
/// More memory than the machine has.
pub const MEMORY: &str = "E0606";
/// A step that is too large once its gradients are written out.
pub const TOO_LARGE: &str = "E0607";
/// A fault of the compiler.
pub const FAULT: &str = "E0699";

impl RunError {
    /// An error at a place of the source.
    pub fn new(code: &'static str, span: Span, message: impl Into<String>) -> RunError {
        RunError {
            diagnostic: Box::new(Diagnostic::error(code, span, message)),
            missing: false,
            not_finite: None,
        }
    }

    /// Something that cannot happen with a correct compiler; `stage` is where it was noticed.
    pub fn fault(stage: &str, span: Span, why: impl fmt::Display) -> RunError {
        let mut error = RunError::new(
            FAULT,
            span,
            format!("fault of the compiler in `{stage}`: {why}"),
        );
        error
            .diagnostic
            .notes
            .push("the program is not at fault; please report it together with the program".into());
        error
    }

    /// A file that could not be used.
    pub fn file(span: Span, error: DataError) -> RunError {
        let mut result = RunError::new(FILE, span, error.message);
        result.diagnostic.help = error.help;
        result.missing = error.missing;
        result
    }

    /// The same with the step in which it happened, where its place is in another file: in the standard library, or in an imported one.
    pub fn in_step(mut self, program: &Program, graph: usize) -> RunError {
        let first = self.diagnostic.labels.first().map(|label| label.span.file);
        if let Some(step) = program.graphs.get(graph)
            && first.is_some_and(|file| file != step.origin.file)
        {
            let labelled = self.diagnostic.label(step.origin, "in this step");
            self.diagnostic = Box::new(labelled);
        }
        self
    }

    /// The same with a mend.
    pub fn help(mut self, text: impl Into<String>) -> RunError {
        self.diagnostic.help = Some(text.into());
        self
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for RunError {}
