//! Affine expressions of a comprehension's indices, and guards made of them.
//!
//! An index is numbered: the free indices first, then the reduction indices. The set of guards is closed under substitution, so
//! turning an access round (which [`crate::grad`] does) stays within it any number of times.
use std::fmt;

/// The greatest number of an expression: an `f64` holds it, and no offset into a tensor comes near it.
const MOST: i64 = 1 << 53;

/// `(constant + Σ coefficient · index) / divisor`, the division exact wherever the expression is evaluated.
///
/// Invariants: terms sorted by index, no zero coefficient, `divisor > 0`, and no common factor of all numbers. Where a number would be
/// greater than 2^53, the expression is [beyond](Affine::is_beyond) what can be said, and so is whatever is made of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Affine {
    constant: i64,
    terms: Vec<(u32, i64)>,
    divisor: i64,
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

impl Affine {
    /// A constant.
    pub fn constant(value: i64) -> Affine {
        Affine {
            constant: value,
            terms: Vec::new(),
            divisor: 1,
        }
    }

    /// The index of that number.
    pub fn index(index: usize) -> Affine {
        Affine {
            constant: 0,
            terms: vec![(index as u32, 1)],
            divisor: 1,
        }
    }

    /// `constant + Σ coefficient · index`, in any order and with repetitions.
    pub fn new(constant: i64, terms: impl IntoIterator<Item = (usize, i64)>) -> Affine {
        let terms = terms.into_iter().map(|(index, c)| (index, c.into()));
        Affine::reduced(constant.into(), terms, 1)
    }

    /// The expression without the common factor of its numbers, which have room for the product of any two within the limit.
    fn reduced(
        constant: i128,
        terms: impl IntoIterator<Item = (usize, i128)>,
        divisor: i128,
    ) -> Affine {
        let mut sorted: Vec<(u32, i128)> = Vec::new();
        for (index, coefficient) in terms {
            match sorted.binary_search_by_key(&(index as u32), |term| term.0) {
                Ok(at) => sorted[at].1 += coefficient,
                Err(at) => sorted.insert(at, (index as u32, coefficient)),
            }
        }
        sorted.retain(|term| term.1 != 0);
        let common = match divisor {
            1 => 1,
            _ => sorted
                .iter()
                .fold(gcd(constant, divisor), |common, term| gcd(common, term.1)),
        };
        let small = |number: i128| {
            i64::try_from(number / common)
                .ok()
                .filter(|number| number.unsigned_abs() <= MOST.unsigned_abs())
        };
        let terms = sorted
            .iter()
            .map(|&(index, coefficient)| Some((index, small(coefficient)?)));
        match (small(constant), terms.collect(), small(divisor)) {
            (Some(constant), Some(terms), Some(divisor)) => Affine {
                constant,
                terms,
                divisor,
            },
            _ => Affine::beyond(),
        }
    }

    /// What is made of numbers that are too large.
    fn beyond() -> Affine {
        Affine::constant(i64::MAX)
    }

    /// Whether its numbers became too large, so that nothing is known of its value.
    pub fn is_beyond(&self) -> bool {
        self.constant == i64::MAX
    }

    /// The constant of the numerator.
    pub fn offset(&self) -> i64 {
        self.constant
    }

    /// The terms of the numerator: (index, coefficient), sorted by index.
    pub fn terms(&self) -> impl Iterator<Item = (usize, i64)> + '_ {
        self.terms
            .iter()
            .map(|&(index, coefficient)| (index as usize, coefficient))
    }

    /// The divisor; 1 for an ordinary expression.
    pub fn divisor(&self) -> i64 {
        self.divisor
    }

    /// The numerator's coefficient of an index.
    pub fn coefficient(&self, index: usize) -> i64 {
        self.terms()
            .find(|term| term.0 == index)
            .map_or(0, |term| term.1)
    }

    /// Whether it is one index alone, with coefficient 1; and which.
    pub fn as_index(&self) -> Option<usize> {
        match (self.terms.as_slice(), self.constant, self.divisor) {
            ([(index, 1)], 0, 1) => Some(*index as usize),
            _ => None,
        }
    }

    /// Its value if no index occurs.
    pub fn as_constant(&self) -> Option<i64> {
        (self.terms.is_empty() && self.divisor == 1).then_some(self.constant)
    }

    /// The sum of two expressions.
    pub fn plus(&self, other: &Affine) -> Affine {
        if self.is_beyond() || other.is_beyond() {
            return Affine::beyond();
        }
        let (a, b) = (i128::from(other.divisor), i128::from(self.divisor));
        let own = self.terms().map(|(index, c)| (index, a * i128::from(c)));
        let others = other.terms().map(|(index, c)| (index, b * i128::from(c)));
        let constant = a * i128::from(self.constant) + b * i128::from(other.constant);
        Affine::reduced(constant, own.chain(others), a * b)
    }

    /// `self + value`.
    pub fn plus_constant(&self, value: i64) -> Affine {
        self.plus(&Affine::constant(value))
    }

    /// `self · factor`.
    pub fn times(&self, factor: i64) -> Affine {
        if self.is_beyond() {
            return Affine::beyond();
        }
        let by = i128::from(factor);
        let terms = self.terms().map(|(index, c)| (index, by * i128::from(c)));
        Affine::reduced(by * i128::from(self.constant), terms, self.divisor.into())
    }

    /// `self - other`.
    pub fn minus(&self, other: &Affine) -> Affine {
        self.plus(&other.times(-1))
    }

    /// `self / divisor`, for an expression that a guard knows to be divisible.
    pub fn over(&self, divisor: i64) -> Affine {
        let quotient = self.times(divisor.signum());
        if quotient.is_beyond() {
            return quotient;
        }
        let terms = quotient.terms().map(|(index, c)| (index, c.into()));
        let whole = i128::from(quotient.divisor) * i128::from(divisor).abs();
        Affine::reduced(quotient.constant.into(), terms, whole)
    }

    /// The numerator, without the divisor.
    pub fn numerator(&self) -> Affine {
        Affine {
            divisor: 1,
            ..self.clone()
        }
    }

    /// Replaces index `i` by `map[i]` for every `i`. An index beyond the map is a fault of the caller and stays as it is.
    pub fn substitute(&self, map: &[Affine]) -> Affine {
        let mut result = Affine::constant(self.constant);
        for (index, coefficient) in self.terms() {
            let image = map
                .get(index)
                .cloned()
                .unwrap_or_else(|| Affine::index(index));
            result = result.plus(&image.times(coefficient));
        }
        result.over(self.divisor)
    }

    /// Its value at a point; the division is exact where the guard holds and rounds down elsewhere.
    pub fn at(&self, point: &[usize]) -> i64 {
        let part = |(index, c): (usize, i64)| c.saturating_mul(point[index] as i64);
        let numerator = self
            .terms()
            .map(part)
            .fold(self.constant, i64::saturating_add);
        numerator.div_euclid(self.divisor)
    }

    /// Least and greatest value of the expression over `0 <= index < extent`; the box must not be empty. What is beyond 64 bits stops at their
    /// ends, which no size reaches.
    pub fn range(&self, extents: &[usize]) -> (i64, i64) {
        if self.is_beyond() {
            return (i64::MIN, i64::MAX);
        }
        let (mut low, mut high) = (self.constant, self.constant);
        for (index, coefficient) in self.terms() {
            let reach = coefficient.saturating_mul(extents[index] as i64 - 1);
            low = low.saturating_add(reach.min(0));
            high = high.saturating_add(reach.max(0));
        }
        (low.div_euclid(self.divisor), high.div_euclid(self.divisor))
    }
}

impl fmt::Display for Affine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.divisor != 1 {
            f.write_str("(")?;
        }
        let mut first = true;
        for (index, coefficient) in self.terms() {
            match (first, coefficient) {
                (true, 1) => {}
                (true, -1) => f.write_str("-")?,
                (true, c) => write!(f, "{c}*")?,
                (false, 1) => f.write_str(" + ")?,
                (false, -1) => f.write_str(" - ")?,
                (false, c) if c < 0 => write!(f, " - {}*", -c)?,
                (false, c) => write!(f, " + {c}*")?,
            }
            write!(f, "i{index}")?;
            first = false;
        }
        match (first, self.constant) {
            (true, c) => write!(f, "{c}")?,
            (false, 0) => {}
            (false, c) if c < 0 => write!(f, " - {}", -c)?,
            (false, c) => write!(f, " + {c}")?,
        }
        if self.divisor != 1 {
            write!(f, ")/{}", self.divisor)?;
        }
        Ok(())
    }
}

/// One condition of a guard; its expression has divisor 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Condition {
    /// `expression >= 0`
    NonNegative(Affine),
    /// `expression == 0`
    Zero(Affine),
    /// `expression` is a multiple of the number (at least 2).
    Divisible(Affine, i64),
}

impl Condition {
    /// Whether it holds at a point.
    pub fn holds(&self, point: &[usize]) -> bool {
        match self {
            Condition::NonNegative(e) => e.at(point) >= 0,
            Condition::Zero(e) => e.at(point) == 0,
            Condition::Divisible(e, by) => e.at(point).rem_euclid(*by) == 0,
        }
    }

    /// The expression it speaks of.
    pub fn expression(&self) -> &Affine {
        match self {
            Condition::NonNegative(e) | Condition::Zero(e) | Condition::Divisible(e, _) => e,
        }
    }

    /// The same condition with the smallest numbers: a common factor of the coefficients divides the constant too, rounded down where
    /// the condition is an inequality, since indices are whole.
    pub fn tightened(self) -> Condition {
        let common = |e: &Affine| {
            let common = e.terms().fold(0, |common, term| gcd(common, term.1.into()));
            common as i64
        };
        match self {
            Condition::NonNegative(e) if common(&e) > 1 => {
                let by = common(&e);
                let terms = e.terms().map(|(index, c)| (index, c / by));
                Condition::NonNegative(Affine::new(e.constant.div_euclid(by), terms))
            }
            Condition::Zero(e) if common(&e) > 1 && e.constant % common(&e) == 0 => {
                let by = common(&e);
                let terms = e.terms().map(|(index, c)| (index, c / by));
                Condition::Zero(Affine::new(e.constant / by, terms))
            }
            other => other,
        }
    }

    /// The condition after replacing index `i` by `map[i]`.
    pub fn substitute(&self, map: &[Affine]) -> Condition {
        match self {
            Condition::NonNegative(e) => Condition::NonNegative(e.substitute(map).numerator()),
            Condition::Zero(e) => Condition::Zero(e.substitute(map).numerator()),
            Condition::Divisible(e, by) => {
                let image = e.substitute(map);
                match by.checked_mul(image.divisor()) {
                    Some(by) => Condition::Divisible(image.numerator(), by),
                    None => Condition::Divisible(Affine::beyond(), *by),
                }
            }
        }
    }

    /// Whether it holds (`Some(true)`) or fails (`Some(false)`) at every point of the box; `None` where it varies or is not seen to, and where
    /// there is no point: what would hold there says nothing of a larger box that the expression is put into.
    pub fn decided(&self, extents: &[usize]) -> Option<bool> {
        if extents.contains(&0) || self.expression().is_beyond() {
            return None;
        }
        let (low, high) = self.expression().range(extents);
        match self {
            Condition::NonNegative(_) if low >= 0 => Some(true),
            Condition::NonNegative(_) if high < 0 => Some(false),
            Condition::Zero(_) if low == 0 && high == 0 => Some(true),
            Condition::Zero(_) if low > 0 || high < 0 => Some(false),
            Condition::Divisible(e, by) => {
                let varies = e.terms().any(|(_, c)| c % by != 0);
                (!varies).then(|| e.offset() % by == 0)
            }
            Condition::NonNegative(_) | Condition::Zero(_) => None,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::NonNegative(e) => write!(f, "{e} >= 0"),
            Condition::Zero(e) => write!(f, "{e} == 0"),
            Condition::Divisible(e, by) => write!(f, "{e} % {by} == 0"),
        }
    }
}

/// A conjunction of conditions; the empty one always holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Guard {
    /// The conditions.
    pub conditions: Vec<Condition>,
}

impl Guard {
    /// The guard that always holds.
    pub fn always() -> Guard {
        Guard::default()
    }

    /// `0 <= expression < extent`.
    pub fn within(expression: &Affine, extent: usize) -> Guard {
        let numerator = expression.numerator();
        let limit = Affine::constant(extent as i64).times(expression.divisor());
        let limit = limit.plus_constant(-1);
        let mut guard = Guard::always();
        guard.push(Condition::NonNegative(numerator.clone()));
        guard.push(Condition::NonNegative(limit.minus(&numerator)));
        guard
    }

    /// Whether a condition's numbers became too large, so that nothing is known of where it holds.
    pub fn is_beyond(&self) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.any(|condition| condition.expression().is_beyond())
    }

    /// Whether it always holds, having no condition.
    pub fn is_always(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Adds a condition that is not there yet, in its smallest form.
    pub fn push(&mut self, condition: Condition) {
        let condition = condition.tightened();
        if !self.conditions.contains(&condition) {
            self.conditions.push(condition);
        }
    }

    /// Both guards.
    pub fn and(mut self, other: &Guard) -> Guard {
        other
            .conditions
            .iter()
            .for_each(|condition| self.push(condition.clone()));
        self
    }

    /// The guard after replacing index `i` by `map[i]`.
    pub fn substitute(&self, map: &[Affine]) -> Guard {
        let mut guard = Guard::always();
        self.conditions
            .iter()
            .for_each(|condition| guard.push(condition.substitute(map)));
        guard
    }

    /// Whether it holds at a point.
    pub fn holds(&self, point: &[usize]) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.holds(point))
    }

    /// The guard without the conditions that hold everywhere in the box; `None` where one never holds.
    pub fn simplified(&self, extents: &[usize]) -> Option<Guard> {
        let mut guard = Guard::always();
        for condition in &self.conditions {
            match condition.decided(extents) {
                Some(true) => {}
                Some(false) => return None,
                None => guard.push(condition.clone()),
            }
        }
        Some(guard)
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, condition) in self.conditions.iter().enumerate() {
            if at > 0 {
                f.write_str(" and ")?;
            }
            write!(f, "{condition}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_division_is_closed_under_substitution() {
        // x[2*i + 1] with i = (q - 1) / 2 is x[q].
        let access = Affine::new(1, [(0, 2)]);
        let half = Affine::new(-1, [(0, 1)]).over(2);
        assert_eq!(access.substitute(&[half]), Affine::index(0));
    }

    #[test]
    fn numbers_that_are_too_large_are_known_as_such() {
        let far = Affine::index(0).times(1 << 40);
        let twice = far.substitute(std::slice::from_ref(&far));
        assert!(!far.is_beyond() && twice.is_beyond());
        assert!(Affine::index(0).over(1 << 40).over(1 << 40).is_beyond());
        assert!(twice.minus(&twice).is_beyond() && twice.over(1 << 40).is_beyond());
        assert_eq!(twice.range(&[1]), (i64::MIN, i64::MAX));
        // 2^40 i / 2^40 is exact on the way.
        assert_eq!(far.times(1 << 13).over(1 << 53), Affine::index(0));
        let guard = Guard::within(&Affine::index(0), 4).substitute(&[twice]);
        assert!(guard.is_beyond());
        assert_eq!(guard.simplified(&[1]), Some(guard.clone()));
        let residue = Condition::Divisible(Affine::index(0), 1 << 40);
        let residue = residue.substitute(&[Affine::index(0).over(1 << 40)]);
        assert_eq!(residue.decided(&[1]), None);
    }

    #[test]
    fn a_guard_that_always_holds_vanishes_and_one_that_never_does_is_seen() {
        let shifted = Affine::new(-1, [(0, 1)]);
        assert_eq!(
            Guard::within(&Affine::index(0), 4).simplified(&[4]),
            Some(Guard::always())
        );
        assert_eq!(
            Guard::within(&shifted, 4)
                .simplified(&[4])
                .map(|g| g.conditions.len()),
            Some(1)
        );
        assert_eq!(
            Guard::within(&Affine::index(0).plus_constant(9), 4).simplified(&[4]),
            None
        );
    }

    #[test]
    fn a_guard_keeps_its_conditions_where_there_is_no_point() {
        let guard = Guard::within(&Affine::index(0).plus_constant(-2), 3);
        assert_eq!(guard.simplified(&[7, 0]), Some(guard.clone()));
    }

    #[test]
    fn ranges_follow_the_signs_of_the_coefficients() {
        assert_eq!(Affine::new(3, [(0, 2), (1, -1)]).range(&[4, 5]), (-1, 9));
    }
}
