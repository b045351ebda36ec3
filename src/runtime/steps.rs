//! What lists of steps are, as far as it is known before they run.
use crate::kir::schedule::{Address, Step};
use std::ops::Range;

/// Buffers of all kernels of one group.
pub(super) const MOST_GROUP_ARGUMENTS: usize = 96;

pub(super) fn member_arguments(member: &Step) -> &[Address] {
    match member {
        Step::Kernel { arguments, .. } => arguments,
        Step::Group { .. }
        | Step::Product { .. }
        | Step::Zero { .. }
        | Step::Copy { .. }
        | Step::Turn { .. }
        | Step::Loop { .. } => &[],
    }
}

/// Scalar operations of a group for each row.
pub(super) fn group_work(rows: usize, members: &[Step]) -> usize {
    let of = |member: &Step| match member {
        Step::Kernel { outer, work, .. } => outer / rows.max(1) * work,
        _ => 0,
    };
    members.iter().map(of).sum()
}

/// Whether a kernel of a group checks positions.
pub(super) fn group_checks(members: &[Step]) -> bool {
    members
        .iter()
        .any(|member| matches!(member, Step::Kernel { checks: true, .. }))
}

/// Whether every group consists of kernels over its rows, with arguments that fit.
pub(super) fn groups_fit(steps: &[Step]) -> bool {
    steps.iter().all(|step| match step {
        Step::Loop { body, .. } => groups_fit(body),
        Step::Group { rows, members, .. } => {
            let kernel = |member: &Step| matches!(member, Step::Kernel { outer, .. } if *rows > 0 && outer % rows == 0);
            let arguments: usize = members.iter().map(|member| member_arguments(member).len()).sum();
            members.iter().all(kernel) && arguments <= MOST_GROUP_ARGUMENTS
        }
        Step::Product { terms, .. } => groups_fit(terms.as_deref().map_or(&[], std::slice::from_ref)),
        Step::Kernel { .. } | Step::Zero { .. } | Step::Copy { .. } | Step::Turn { .. } => true,
    })
}

/// How many loops lie within each other.
pub fn depth(steps: &[Step]) -> usize {
    steps
        .iter()
        .map(|step| {
            if let Step::Loop { body, .. } = step {
                1 + depth(body)
            } else {
                0
            }
        })
        .max()
        .unwrap_or(0)
}

/// Products of steps, those in loops too.
pub(super) fn count_products(steps: &[Step]) -> usize {
    steps
        .iter()
        .map(|step| match step {
            Step::Product { .. } => 1,
            Step::Loop { body, .. } => count_products(body),
            Step::Kernel { .. }
            | Step::Group { .. }
            | Step::Zero { .. }
            | Step::Copy { .. }
            | Step::Turn { .. } => 0,
        })
        .sum()
}

/// Part `at` of `length` positions cut into `parts` nearly equal ranges.
pub(super) fn part(length: usize, parts: usize, at: usize) -> Range<usize> {
    length * at / parts..length * (at + 1) / parts
}
