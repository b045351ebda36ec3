//! Turning an access round: an operand's gradient is indexed by the operand's own indices `q`; the equations `subscript(i, r) = q` are
//! solved for as many indices as there are dimensions, and what cannot be solved becomes a guard.
//!
//! `x[i + k]` becomes `i = q - k where 0 <= q - k < n`; `x[2*i + k]` becomes `i = (q - k)/2 where q - k % 2 == 0`;
//! the second dimension of `x[i, i]` becomes the condition `q0 - q1 == 0`; so does a constant subscript.
//! The guards are closed under this, so it can be done any number of times.
use crate::tir::{Affine, Condition, Guard};

/// The solution of an access: a new index space, its operand's dimensions first, then the indices that were not solved for.
pub(super) struct Turned {
    /// What each old index is in the new space.
    pub map: Vec<Affine>,
    /// The old indices that remain, in order.
    pub remaining: Vec<usize>,
    /// Extents of the new space.
    pub extents: Vec<usize>,
    /// Where the solution lies in the old box.
    pub guard: Guard,
}

/// A way to solve one equation.
struct Candidate {
    dimension: usize,
    index: usize,
    /// Smaller is better.
    rank: (bool, usize, std::cmp::Reverse<u64>, bool, usize),
}

/// Solves `subscripts[d](old indices) = q_d` in a box of `extents`, the operand having `sizes`; the first `free` old indices are free
/// ones.
pub(super) fn turn(
    subscripts: &[&Affine],
    sizes: &[usize],
    extents: &[usize],
    free: usize,
) -> Turned {
    let mut solver = Solver {
        dimensions: sizes.len(),
        extents,
        free,
        map: (0..extents.len())
            .map(|index| Affine::index(sizes.len() + index))
            .collect(),
        solved: vec![false; extents.len()],
    };
    let mut guard = Guard::always();
    let mut open: Vec<usize> = (0..subscripts.len()).collect();
    while let Some(candidate) = open
        .iter()
        .flat_map(|&d| solver.candidates(d, subscripts[d]))
        .min_by_key(|candidate| candidate.rank)
    {
        let equation = solver.equation(candidate.dimension, subscripts[candidate.dimension]);
        solver.solve(&equation, candidate.index);
        open.retain(|&d| d != candidate.dimension);
    }
    for d in open {
        guard.push(Condition::Zero(solver.equation(d, subscripts[d])));
    }
    solver.finish(sizes, guard)
}

struct Solver<'a> {
    dimensions: usize,
    extents: &'a [usize],
    free: usize,
    /// What each old index is, in a space of the operand's dimensions followed by all old indices.
    map: Vec<Affine>,
    solved: Vec<bool>,
}

impl Solver<'_> {
    /// What must be 0 for dimension `d`, without divisor.
    fn equation(&self, d: usize, subscript: &Affine) -> Affine {
        subscript
            .substitute(&self.map)
            .minus(&Affine::index(d))
            .numerator()
    }

    /// The indices that an equation can be solved for. First come equations that leave no choice; then the index that leaves least to be
    /// summed (its extent times its coefficient), so that a convolution's gradient sums over the kernel and not over the image.
    fn candidates(&self, d: usize, subscript: &Affine) -> Vec<Candidate> {
        let equation = self.equation(d, subscript);
        let terms: Vec<(usize, u64)> = equation
            .terms()
            .filter_map(|(index, coefficient)| {
                let old = index.checked_sub(self.dimensions)?;
                (!self.solved[old]).then_some((old, coefficient.unsigned_abs()))
            })
            .collect();
        let choices = terms.len();
        terms
            .into_iter()
            .map(|(index, coefficient)| Candidate {
                dimension: d,
                index,
                rank: (
                    choices == 1 && coefficient > 1,
                    choices,
                    std::cmp::Reverse(coefficient * self.extents[index] as u64),
                    coefficient > 1,
                    // Free indices come first, then the outer ones.
                    index + usize::from(index >= self.free) * self.extents.len(),
                ),
            })
            .collect()
    }

    /// Solves an equation for an old index and puts the solution into all others.
    fn solve(&mut self, equation: &Affine, index: usize) {
        let place = self.dimensions + index;
        let coefficient = equation.coefficient(place);
        let rest = equation.minus(&Affine::index(place).times(coefficient));
        let solution = rest.over(-coefficient);
        let mut substitution: Vec<Affine> = (0..self.dimensions + self.extents.len())
            .map(Affine::index)
            .collect();
        substitution[place] = solution;
        for image in &mut self.map {
            *image = image.substitute(&substitution);
        }
        self.solved[index] = true;
    }

    /// Numbers the remaining indices after the operand's dimensions and says where the solution lies in the old box.
    fn finish(self, sizes: &[usize], guard: Guard) -> Turned {
        let remaining: Vec<usize> = (0..self.extents.len())
            .filter(|&index| !self.solved[index])
            .collect();
        let mut numbers: Vec<Affine> = (0..self.dimensions + self.extents.len())
            .map(Affine::index)
            .collect();
        for (at, &index) in remaining.iter().enumerate() {
            numbers[self.dimensions + index] = Affine::index(self.dimensions + at);
        }
        let map: Vec<Affine> = self
            .map
            .iter()
            .map(|image| image.substitute(&numbers))
            .collect();
        let mut guard = guard.substitute(&numbers);
        for (index, image) in map.iter().enumerate().filter(|(at, _)| self.solved[*at]) {
            guard = guard.and(&Guard::within(image, self.extents[index]));
            if image.divisor() > 1 {
                guard.push(Condition::Divisible(image.numerator(), image.divisor()));
            }
        }
        let extents = sizes
            .iter()
            .copied()
            .chain(remaining.iter().map(|&index| self.extents[index]))
            .collect();
        Turned {
            map,
            remaining,
            extents,
            guard,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(turned: &Turned) -> (Vec<String>, String) {
        let guard = turned.guard.simplified(&turned.extents).unwrap();
        let map = turned.map.iter().map(Affine::to_string).collect();
        (map, guard.to_string())
    }

    #[test]
    fn a_convolution_is_solved_for_the_place_not_for_the_tap() {
        let access = Affine::new(0, [(0, 1), (1, 1)]);
        let turned = turn(&[&access], &[10], &[8, 3], 1);
        assert_eq!(turned.remaining, [1]);
        let (map, guard) = text(&turned);
        assert_eq!(map, ["i0 - i1", "i1"]);
        assert_eq!(guard, "i0 - i1 >= 0 and -i0 + i1 + 7 >= 0");
    }

    #[test]
    fn a_stride_becomes_a_division_under_its_congruence() {
        let access = Affine::new(-1, [(0, 2), (1, 1)]);
        let (map, guard) = text(&turn(&[&access], &[9], &[5, 3], 1));
        assert_eq!(map[0], "(i0 - i1 + 1)/2");
        assert!(guard.contains("i0 - i1 + 1 % 2 == 0"), "{guard}");
    }

    #[test]
    fn a_diagonal_keeps_one_index_and_a_condition() {
        let index = Affine::index(0);
        let turned = turn(&[&index, &index], &[4, 4], &[4], 1);
        let (map, guard) = text(&turned);
        assert_eq!(map, ["i0"]);
        assert_eq!(guard, "i0 - i1 == 0");
        assert!(turned.remaining.is_empty());
    }
}
