//! What the machine refuses to do, as errors: plans that do not fit, indices out of range, more memory than there is.
use super::astray::{Astray, located};
use super::compile::Compiled;
use super::error::{MEMORY, OUT_OF_RANGE, RunError};
use crate::base::source::Span;
use crate::check::program::Program;
use crate::runtime::memory::available_bytes;
use crate::runtime::{Call, CheckFailure};

/// A plan that names a graph which is not there.
pub(super) fn no_graph(graph: usize) -> RunError {
    RunError::fault(
        "check",
        Span::default(),
        format!("there is no graph {graph}"),
    )
}

/// A plan that takes batches before it opens them.
pub(super) fn no_iterator(iterator: usize) -> RunError {
    let why = format!("iterator {iterator} is not open");
    RunError::fault("check", Span::default(), why)
}

/// A plan that names a field which the data do not have.
pub(super) fn no_field(data: usize, part: &str, field: &str) -> RunError {
    let why = format!("data set {data} has no `{field}` of that type in part `{part}`");
    RunError::fault("check", Span::default(), why)
}

/// The same of a step of a program, with the place in the file that the person wrote.
pub(super) fn out_of_range_in(
    call: &Call,
    failure: CheckFailure,
    program: &Program,
    graph: usize,
) -> RunError {
    let checks = &call.executable().schedule().checks;
    let bound = checks.get(failure.check).map(|check| check.bound);
    let value = i64::from(failure.value);
    let error = out_of_range(call, failure);
    match bound {
        Some(bound) => located(error, Astray { value, bound }, program, graph),
        None => error,
    }
}

/// An index that the data or a computation gave and that lies outside its tensor.
pub(crate) fn out_of_range(call: &Call, failure: CheckFailure) -> RunError {
    match call.executable().schedule().checks.get(failure.check) {
        Some(check) => {
            let mut error = RunError::new(
                OUT_OF_RANGE,
                check.origin,
                format!("index {} is out of range 0..{}", failure.value, check.bound),
            );
            error.diagnostic = Box::new(error.diagnostic.here(format!(
                "this access found {} where the size is {}",
                failure.value, check.bound
            )));
            error.help(format!(
                "indices count from 0; every index must be at least 0 and at most {}",
                check.bound.saturating_sub(1)
            ))
        }
        None => RunError::fault("runtime", Span::default(), "an unknown index check failed"),
    }
}

/// Refuses a run whose slots and arena together are larger than the machine's memory, before any of it is asked for.
pub(super) fn enough_memory(program: &Program, compiled: &Compiled) -> Result<(), RunError> {
    let own = program.slots.iter().filter(|slot| slot.field.is_none());
    let slots = own.fold(0usize, |sum, slot| sum.saturating_add(slot.ty.bytes()));
    let calls = compiled.calls.iter().zip(&program.graphs);
    let largest = calls.max_by_key(|(call, _)| call.executable().schedule().arena_bytes);
    let (arena, origin) = largest.map_or((0, Span::default()), |(call, step)| {
        (call.executable().schedule().arena_bytes, step.origin)
    });
    let wanted = slots.saturating_add(arena);
    match available_bytes() {
        Some(there) if wanted > there => Err(RunError::new(
            MEMORY,
            origin,
            format!(
                "the program needs {:.1} GB of memory, the machine has {:.1} GB",
                wanted as f64 / 1e9,
                there as f64 / 1e9
            ),
        )
        .help(
            "use smaller tensors or batches; `dlmc emit --stage memory FILE` lists what is kept",
        )),
        Some(_) | None => Ok(()),
    }
}
