//! The invariants of kernels. Run before code is generated.
//!
//! 1. A kernel has a nest; its nests agree in their first `outer` extents.
//! 2. Every buffer, index, access and instruction that is referred to is there; a body's instructions refer to earlier ones.
//! 3. A gather refers to an earlier access of `i32` or `u8`; its check number is at least 1. Only a scatter's store gathers.
//! 4. A reducer is there exactly where there are reduction indices; a scatter has none.
//! 5. Types fit: the body's result (for `argmax`: `i32`) is what the buffer holds; nothing stores `u8`; fills are of the buffer's type.
//! 6. Conditions and stores have no divisor; a store moves with free indices only.
//! 7. Where lengths are known: no access or store leaves its buffer.
use super::{Access, GatherTerm, Kernel, Nest};
use crate::base::types::DType;
use crate::tir::{Affine, Condition, Guard, Inst, Reducer};

/// Points up to which guarded offsets are checked one by one.
const POINTS_WALKED: usize = 1 << 16;

fn expect(condition: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(why()) }
}

/// Checks what can be checked without the buffers' lengths; the error says which nest breaks which invariant.
pub fn verify(kernel: &Kernel) -> Result<(), String> {
    verify_with_lengths(kernel, &[])
}

/// Checks every invariant; `lengths` are the buffers' lengths in elements (none for a buffer beyond the list).
pub fn verify_with_lengths(kernel: &Kernel, lengths: &[usize]) -> Result<(), String> {
    let first = kernel.nests.first().ok_or("a kernel without nests")?;
    for (at, nest) in kernel.nests.iter().enumerate() {
        let shared = nest.free.get(..kernel.outer);
        expect(
            shared.is_some() && shared == first.free.get(..kernel.outer),
            || format!("nest {at} has other outer extents"),
        )?;
        verify_nest(kernel, nest, lengths).map_err(|why| format!("nest {at}: {why}"))?;
    }
    Ok(())
}

fn verify_nest(kernel: &Kernel, nest: &Nest, lengths: &[usize]) -> Result<(), String> {
    expect(nest.reducer.is_some() != nest.reduce.is_empty(), || {
        "reducer and reduction indices disagree".into()
    })?;
    expect(!(nest.store.accumulate && nest.reducer.is_some()), || {
        "a scatter that reduces".into()
    })?;
    expect(nest.piece_length > 0, || "pieces of no elements".into())?;
    let extents: Vec<usize> = nest.free.iter().chain(&nest.reduce).copied().collect();
    verify_guard(&nest.domain, extents.len())?;
    for (at, access) in nest.accesses.iter().enumerate() {
        verify_access(kernel, nest, at, access, extents.len())
            .map_err(|why| format!("access {at}: {why}"))?;
    }
    verify_body(kernel, nest, extents.len())?;
    verify_store(kernel, nest, extents.len())?;
    verify_bounds(nest, &extents, lengths)
}

fn verify_affine(e: &Affine, indices: usize) -> Result<(), String> {
    expect(e.terms().all(|(index, _)| index < indices), || {
        format!("{e} refers to an index that is not there")
    })
}

fn verify_guard(guard: &Guard, indices: usize) -> Result<(), String> {
    for condition in &guard.conditions {
        verify_affine(condition.expression(), indices)?;
        expect(condition.expression().divisor() == 1, || {
            format!("condition {condition} has a divisor")
        })?;
        if let Condition::Divisible(_, by) = condition {
            expect(*by > 1, || {
                format!("condition {condition} divides by less than 2")
            })?;
        }
    }
    Ok(())
}

fn buffer(kernel: &Kernel, number: u32) -> Result<DType, String> {
    let found = kernel.buffers.get(number as usize).copied();
    found.ok_or_else(|| format!("b{number} is not there"))
}

fn verify_gathers(
    kernel: &Kernel,
    nest: &Nest,
    gathers: &[GatherTerm],
    before: usize,
) -> Result<(), String> {
    for gather in gathers {
        let number = gather.access as usize;
        expect(number < before && number < nest.accesses.len(), || {
            "gather by an access that is not earlier".into()
        })?;
        let dtype = buffer(kernel, nest.accesses[number].buffer)?;
        expect(matches!(dtype, DType::I32 | DType::U8), || {
            format!("gather by {dtype}")
        })?;
        expect(gather.check > 0, || "check number 0".into())?;
    }
    Ok(())
}

fn verify_access(
    kernel: &Kernel,
    nest: &Nest,
    at: usize,
    access: &Access,
    indices: usize,
) -> Result<(), String> {
    let dtype = buffer(kernel, access.buffer)?;
    verify_affine(&access.offset, indices)?;
    verify_guard(&access.guard, indices)?;
    verify_gathers(kernel, nest, &access.gathers, at)?;
    let fits = access.fill.dtype == dtype
        || (dtype == DType::U8 && access.fill.dtype == DType::I32)
        || access.guard.is_always();
    expect(fits, || {
        format!("fill of {} for {dtype}", access.fill.dtype)
    })
}

fn verify_body(kernel: &Kernel, nest: &Nest, indices: usize) -> Result<(), String> {
    for (at, inst) in nest.body.insts.iter().enumerate() {
        let there = match inst {
            Inst::Read(access) => (*access as usize) < nest.accesses.len(),
            Inst::Index(index) => (*index as usize) < indices,
            Inst::Const(_) => true,
            Inst::Op(_, arguments) => arguments.iter().all(|&a| (a as usize) < at),
        };
        expect(there, || {
            format!("instruction {at} refers to what is not there")
        })?;
    }
    let reads: Result<Vec<DType>, String> = nest
        .accesses
        .iter()
        .map(|access| buffer(kernel, access.buffer))
        .collect();
    let types = nest
        .body
        .types(&reads?)
        .ok_or("an operator's arguments do not fit it")?;
    let body = types
        .get(nest.body.result as usize)
        .copied()
        .ok_or("the body has no result")?;
    let number = body != DType::Bool;
    expect(number || nest.reducer.is_none(), || {
        "a reduction of bool".into()
    })?;
    expect(number || !nest.store.accumulate, || {
        "a scatter of bool".into()
    })?;
    let result = match nest.reducer {
        Some(Reducer::ArgMax) => DType::I32,
        Some(Reducer::Sum | Reducer::Prod | Reducer::Max | Reducer::Min) | None => body,
    };
    let stored = buffer(kernel, nest.store.buffer)?;
    expect(result == stored && stored != DType::U8, || {
        format!("{result} stored into {stored}")
    })
}

fn verify_store(kernel: &Kernel, nest: &Nest, indices: usize) -> Result<(), String> {
    let store = &nest.store;
    let movable = if store.accumulate {
        indices
    } else {
        nest.free.len()
    };
    verify_affine(&store.offset, movable)?;
    expect(store.offset.divisor() == 1, || {
        "a store with a divisor".into()
    })?;
    expect(store.accumulate || store.gathers.is_empty(), || {
        "a gathering store that does not accumulate".into()
    })?;
    verify_gathers(kernel, nest, &store.gathers, nest.accesses.len())
}

fn verify_bounds(nest: &Nest, extents: &[usize], lengths: &[usize]) -> Result<(), String> {
    if extents.contains(&0) {
        return Ok(());
    }
    for (at, access) in nest.accesses.iter().enumerate() {
        if let Some(&length) = lengths.get(access.buffer as usize) {
            let guards = [&access.guard, &nest.domain];
            within(&access.offset, &access.gathers, guards, extents, length)
                .map_err(|why| format!("access {at}: {why}"))?;
        }
    }
    let store = &nest.store;
    match lengths.get(store.buffer as usize) {
        // A store without accumulation writes outside the domain too.
        Some(&length) => {
            let always = Guard::always();
            let guard = if store.accumulate {
                &nest.domain
            } else {
                &always
            };
            within(
                &store.offset,
                &store.gathers,
                [guard, &always],
                extents,
                length,
            )
            .map_err(|why| format!("store: {why}"))
        }
        None => Ok(()),
    }
}

/// Whether an offset stays in `0..length` where both guards hold.
fn within(
    offset: &Affine,
    gathers: &[GatherTerm],
    guards: [&Guard; 2],
    extents: &[usize],
    length: usize,
) -> Result<(), String> {
    let reach: i64 = gathers
        .iter()
        .map(|gather| gather.stride as i64 * (gather.bound as i64 - 1).max(0))
        .sum();
    let inside = |low: i64, high: i64| low >= 0 && high + reach < length as i64;
    let (low, high) = offset.range(extents);
    if inside(low, high) {
        return Ok(());
    }
    let outside = || format!("offset {offset} leaves the {length} elements");
    let guarded = guards.iter().any(|guard| !guard.is_always());
    expect(guarded, outside)?;
    let points: usize = extents.iter().product();
    if points > POINTS_WALKED {
        return Ok(());
    }
    let mut point = vec![0; extents.len()];
    for _ in 0..points {
        if guards.iter().all(|guard| guard.holds(&point)) {
            let value = offset.at(&point);
            expect(inside(value, value), outside)?;
        }
        advance(&mut point, extents);
    }
    Ok(())
}

/// The next point in row-major order.
fn advance(point: &mut [usize], extents: &[usize]) {
    for (index, &extent) in point.iter_mut().zip(extents).rev() {
        *index += 1;
        if *index < extent {
            return;
        }
        *index = 0;
    }
}
