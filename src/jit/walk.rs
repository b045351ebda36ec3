//! A loop is split into pieces in which a condition holds everywhere or nowhere: at compile time where the bounds are numbers, else
//! into edge, interior, edge. What stays undecided becomes a flag that chooses between the element and its fill.
use super::nest::{Mode, NestEmitter};
use super::normal;
use super::ops::called;
use super::state::{Int, Known, State};
use crate::tir::{Affine, Condition, Inst, Op};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};
use cranelift_frontend::Variable;

/// How many pieces a loop is cut into at compile time at most.
const MAX_PIECES: usize = 6;

/// Points of a reduction up to which its inner loops are written out.
const MOST_UNROLLED: usize = 9;

/// An open loop.
pub(super) struct Loop {
    header: Block,
    exit: Block,
    variable: Variable,
    pub index: Value,
}

impl NestEmitter<'_, '_> {
    /// Least and greatest value that the deeper indices add to an expression, `index` being the one at hand.
    fn deeper(&self, e: &Affine, index: usize, state: &State) -> (i64, i64) {
        let mut range = (0, 0);
        for (other, coefficient) in e.terms() {
            if other != index && state.index[other].is_none() {
                let reach = coefficient * (self.extents[other] as i64 - 1);
                range = (range.0 + reach.min(0), range.1 + reach.max(0));
            }
        }
        range
    }

    /// The first position from which `coefficient * i + rest >= 0` holds (coefficient > 0), or no longer holds (coefficient < 0).
    fn turning_point(&mut self, coefficient: i64, rest: Int) -> Int {
        // c i >= -rest: i >= floor((-rest + c - 1) / c). -c i <= rest: i < floor(rest / c) + 1.
        let (numerator, last) = if coefficient > 0 {
            let minus = rest.times(self.builder, -1);
            (minus.add(self.builder, Int::Known(coefficient - 1)), 0)
        } else {
            (rest, 1)
        };
        let quotient = numerator.floor_div(self.builder, coefficient.abs());
        quotient.add(self.builder, Int::Known(last))
    }

    /// Narrows a reduction's loop to where its domain holds, where that is known when the loop starts.
    pub fn shrink(
        &mut self,
        level: usize,
        index: usize,
        mut low: Int,
        mut high: Int,
        state: &mut State,
    ) -> (Int, Int) {
        let in_order = matches!(self.mode, Mode::Chain | Mode::Pieces(_));
        if level < self.reduce_level || !in_order {
            return (low, high);
        }
        for at in self.domain.clone() {
            let Condition::NonNegative(e) = self.conditions[at].clone() else {
                continue;
            };
            let coefficient = e.coefficient(index);
            let last = self.expression_depth(&e) == level + 1;
            let uniform = self
                .vector
                .is_none_or(|v| state.width == 1 || e.coefficient(v) == 0);
            if coefficient == 0 || !last || !uniform || state.known[at] != Known::Open {
                continue;
            }
            let point = self.turning_point(coefficient, state.sums[at]);
            if coefficient > 0 {
                low = low.max(self.builder, point);
            } else {
                high = high.min(self.builder, point);
            }
            state.known[at] = Known::True;
        }
        (low, high)
    }

    /// Cuts the extent of an index where conditions turn, as far as that is known now: (from, to, what is known there).
    pub fn pieces(&mut self, index: usize, state: &State) -> Vec<(i64, i64, State)> {
        let extent = self.extents[index] as i64;
        let mut points = vec![0, extent];
        for (at, condition) in self.conditions.iter().enumerate() {
            let e = condition.expression();
            let (Known::Open, Some(rest)) = (state.known[at], state.sums[at].known()) else {
                continue;
            };
            let coefficient = e.coefficient(index);
            let (least, most) = self.deeper(e, index, state);
            let mut cuts: Vec<i64> = Vec::new();
            for bound in [rest + least, rest + most] {
                let above = (-bound).div_euclid(coefficient.abs().max(1));
                let exact = (-bound).rem_euclid(coefficient.abs().max(1)) == 0;
                match (condition, coefficient) {
                    (Condition::Divisible(..), _) | (_, 0) => {}
                    (Condition::NonNegative(_), c) if c > 0 => {
                        cuts.push(above + i64::from(!exact));
                    }
                    (Condition::NonNegative(_), c) => cuts.push(bound.div_euclid(-c) + 1),
                    (Condition::Zero(_), c) if exact && least == most => {
                        let root = -bound / c;
                        cuts.extend([root, root + 1]);
                    }
                    (Condition::Zero(_), _) => {}
                }
            }
            points.extend(cuts.into_iter().filter(|&cut| cut > 0 && cut < extent));
        }
        points.sort_unstable();
        points.dedup();
        if points.len() > MAX_PIECES + 1 {
            points = vec![0, extent];
        }
        let bounds = points.windows(2).map(|pair| (pair[0], pair[1]));
        bounds
            .map(|(from, to)| (from, to, self.decide_in(index, from, to, state)))
            .collect()
    }

    /// The state with the conditions decided that hold, or fail, everywhere in `from..to` of an index.
    fn decide_in(&self, index: usize, from: i64, to: i64, state: &State) -> State {
        let mut piece = state.clone();
        for (at, condition) in self.conditions.iter().enumerate() {
            let e = condition.expression();
            let (Known::Open, Some(rest)) = (state.known[at], state.sums[at].known()) else {
                continue;
            };
            let coefficient = e.coefficient(index);
            let (least, most) = self.deeper(e, index, state);
            let ends = [coefficient * from, coefficient * (to - 1)];
            let low = rest + least + ends[0].min(ends[1]);
            let high = rest + most + ends[0].max(ends[1]);
            piece.known[at] = match condition {
                Condition::NonNegative(_) if low >= 0 => Known::True,
                Condition::NonNegative(_) if high < 0 => Known::False,
                Condition::Zero(_) if low == 0 && high == 0 => Known::True,
                Condition::Zero(_) if low > 0 || high < 0 => Known::False,
                Condition::Divisible(_, by) if low == high => match low.rem_euclid(*by) {
                    0 => Known::True,
                    _ => Known::False,
                },
                _ => Known::Open,
            };
        }
        piece
    }

    /// Splits a loop where conditions turn that depend on outer indices: edge, interior, edge.
    pub fn edges(&mut self, level: usize, index: usize, from: Int, to: Int, state: State) {
        let splitting: Vec<usize> = (0..self.conditions.len())
            .filter(|&at| {
                let open = state.known[at] == Known::Open && state.sums[at].known().is_none();
                let condition = &self.conditions[at];
                open && matches!(condition, Condition::NonNegative(_))
                    && condition.expression().coefficient(index) != 0
            })
            .collect();
        if splitting.is_empty() || state.splits == 0 {
            self.walk(level, index, from, to, state);
            return;
        }
        if self.split_exactly(level, index, (from, to), &splitting, &state) {
            return;
        }
        let (mut low, mut high) = (from, to);
        let mut interior = state.clone();
        for at in splitting {
            let (point, rises) = self.turn(at, index, &state);
            if rises {
                low = low.max(self.builder, point);
            } else {
                high = high.min(self.builder, point);
            }
            interior.known[at] = Known::True;
        }
        let low = low.min(self.builder, to);
        let high = high.max(self.builder, low);
        let mut edge = state;
        edge.splits -= 1;
        interior.splits -= 1;
        self.walk(level, index, from, low, edge.clone());
        self.walk(level, index, low, high, interior);
        self.walk(level, index, high, to, edge);
    }

    /// Where a condition turns, for all values of the deeper indices; and whether it holds from there on (or until there).
    fn turn(&mut self, at: usize, index: usize, state: &State) -> (Int, bool) {
        let e = self.conditions[at].expression().clone();
        let (least, _) = self.deeper(&e, index, state);
        let rest = state.sums[at].add(self.builder, Int::Known(least));
        let coefficient = e.coefficient(index);
        (self.turning_point(coefficient, rest), coefficient > 0)
    }

    /// Splits a loop at no more than one rising and one falling condition that no deeper index moves: each piece then knows whether
    /// they hold or fail. `false` where there are more.
    fn split_exactly(
        &mut self,
        level: usize,
        index: usize,
        (from, to): (Int, Int),
        splitting: &[usize],
        state: &State,
    ) -> bool {
        let still = |at: &usize| {
            let e = self.conditions[*at].expression();
            self.deeper(e, index, state) == (0, 0)
        };
        let rises = |at: &usize| self.conditions[*at].expression().coefficient(index) > 0;
        let rising: Vec<usize> = splitting.iter().copied().filter(rises).collect();
        let falling: Vec<usize> = splitting.iter().copied().filter(|at| !rises(at)).collect();
        if rising.len() > 1 || falling.len() > 1 || !splitting.iter().all(still) {
            return false;
        }
        let mut point = |at: Option<&usize>, otherwise: Int| match at {
            Some(&at) => {
                let point = self.turn(at, index, state).0;
                let point = point.max(self.builder, from);
                point.min(self.builder, to)
            }
            None => otherwise,
        };
        let low = point(rising.first(), from);
        let high = point(falling.first(), to);
        let known = |up: Known, down: Known| {
            let mut piece = state.clone();
            piece.splits -= 1;
            rising.iter().for_each(|&at| piece.known[at] = up);
            falling.iter().for_each(|&at| piece.known[at] = down);
            piece
        };
        // In ascending order, as reductions and scatters need it.
        let both = !rising.is_empty() && !falling.is_empty();
        if !rising.is_empty() {
            let end = if both {
                low.min(self.builder, high)
            } else {
                low
            };
            self.walk(level, index, from, end, known(Known::False, Known::True));
        }
        if both {
            self.walk(level, index, high, low, known(Known::False, Known::False));
        }
        self.walk(level, index, low, high, known(Known::True, Known::True));
        if !falling.is_empty() {
            let start = if both {
                low.max(self.builder, high)
            } else {
                high
            };
            self.walk(level, index, start, to, known(Known::True, Known::False));
        }
        true
    }

    /// Walks one piece of a loop.
    fn walk(&mut self, level: usize, index: usize, from: Int, to: Int, state: State) {
        if self.vector == Some(index) {
            self.walk_vector(level, index, from, to, state);
        } else {
            self.walk_by(level, index, from, to, (1, 1), &state);
        }
    }

    /// Walks a loop as far as steps of `width * tile` fit; gives where it stopped.
    fn walk_by(
        &mut self,
        level: usize,
        index: usize,
        from: Int,
        to: Int,
        (width, tile): (usize, usize),
        state: &State,
    ) -> Int {
        let step = (width * tile) as i64;
        let mut inner = state.clone();
        if self.vector == Some(index) {
            inner.width = width;
            inner.tile = tile;
        }
        if let (Int::Known(a), Int::Known(b)) = (from, to) {
            let steps = (b - a).max(0) / step;
            let end = Int::Known(a + steps * step);
            if steps <= self.unrolled(level) {
                for at in 0..steps {
                    let mut turn = inner.clone();
                    self.enter(level, index, Int::Known(a + at * step), &mut turn);
                    self.level(level + 1, turn);
                }
            } else {
                self.loop_over(level, index, from, end, step, inner);
            }
            return end;
        }
        let limit = to.add(self.builder, Int::Known(1 - step));
        self.loop_over(level, index, from, limit, step, inner)
    }

    /// Up to how many turns the loop of a level is written out: small windows of a reduction are.
    fn unrolled(&self, level: usize) -> i64 {
        let inside = self.levels[level..].iter().map(|&i| self.extents[i]);
        let points: usize = inside.product();
        let small = points <= MOST_UNROLLED && normal::body_weight(self.nest) <= 8;
        if level >= self.reduce_level && small {
            MOST_UNROLLED as i64
        } else {
            1
        }
    }

    fn loop_over(
        &mut self,
        level: usize,
        index: usize,
        from: Int,
        limit: Int,
        step: i64,
        mut state: State,
    ) -> Int {
        let open = self.open_loop(from, limit);
        self.enter(level, index, Int::Running(open.index), &mut state);
        self.level(level + 1, state);
        let variable = open.variable;
        self.close_loop(open, Int::Known(step));
        Int::Running(self.builder.use_var(variable))
    }

    fn walk_vector(&mut self, level: usize, index: usize, from: Int, to: Int, state: State) {
        let open = (0..self.conditions.len()).any(|at| {
            let e = self.conditions[at].expression();
            state.known[at] == Known::Open && e.coefficient(index) != 0
        });
        if self.mode == Mode::Lanes {
            self.walk_lanes(level, index, to, &state);
            return;
        }
        let mut at = from;
        if !open {
            let tile = self.tile(from, to);
            if tile > 1 {
                at = self.walk_by(level, index, at, to, (4, tile), &state);
            }
            if self.nest.reducer.is_some() && !state.strip.is_some_and(|strip| strip.adds()) {
                self.walk_rest(level, index, (from, at, to), &state);
                return;
            }
            at = self.walk_by(level, index, at, to, (4, 1), &state);
        }
        self.walk_by(level, index, at, to, (1, 1), &state);
    }

    /// The rest of a reduction's vector loop, `at..to` of `from..to`: vectors whose last one ends at the end, so that some elements
    /// may be computed twice; single elements only where all are fewer than four.
    fn walk_rest(
        &mut self,
        level: usize,
        index: usize,
        (from, at, to): (Int, Int, Int),
        state: &State,
    ) {
        if let (Int::Known(from), Int::Known(at), Int::Known(to)) = (from, at, to) {
            let vectors = ((to - at) + 3) / 4;
            if vectors == 0 {
                return;
            }
            let start = to - 4 * vectors;
            if start >= from {
                let bounds = (Int::Known(start), Int::Known(to));
                self.walk_by(
                    level,
                    index,
                    bounds.0,
                    bounds.1,
                    (4, vectors as usize),
                    state,
                );
                return;
            }
            let at = self.walk_by(level, index, Int::Known(at), Int::Known(to), (4, 1), state);
            if to - from >= 4 {
                let start = Int::Known(to - 4);
                if at.known() != Some(to) {
                    self.walk_by(level, index, start, Int::Known(to), (4, 1), state);
                }
                return;
            }
            self.walk_by(level, index, at, Int::Known(to), (1, 1), state);
            return;
        }
        let at = self.walk_by(level, index, at, to, (4, 1), state);
        // At most one more vector, back from the end, if there are four elements and not all are done.
        let last = to.add(self.builder, Int::Known(-4));
        let (from, at) = (from.value(self.builder), at.value(self.builder));
        let last = last.value(self.builder);
        let enough = self
            .builder
            .ins()
            .icmp(IntCC::SignedLessThanOrEqual, from, last);
        let end = to.value(self.builder);
        let left = self.builder.ins().icmp(IntCC::SignedLessThan, at, end);
        let turn = self.builder.ins().band(enough, left);
        let stop = self.builder.ins().iadd_imm_s(last, 1);
        let start = self.builder.ins().select(turn, last, stop);
        self.loop_over(level, index, Int::Running(start), Int::Running(stop), 4, {
            let mut vector = state.clone();
            (vector.width, vector.tile) = (4, 1);
            vector
        });
        let at = self.builder.ins().select(enough, end, at);
        self.walk_by(level, index, Int::Running(at), to, (1, 1), state);
    }

    /// How many vectors are worked on at once.
    fn tile(&self, from: Int, to: Int) -> usize {
        let calls = |inst: &Inst| match inst {
            Inst::Op(Op::Philox, _) => self.features.vectors.is_some(),
            Inst::Op(op, _) => called(self.features, *op).is_some(),
            Inst::Read(_) | Inst::Index(_) | Inst::Const(_) => false,
        };
        // A called function takes four vectors; registers do not live through a call anyway.
        let by_calls = self.nest.body.insts.iter().any(calls);
        let wanted = match normal::body_weight(self.nest) {
            _ if by_calls => 4,
            0..=12 => 4,
            13..=40 => 2,
            _ => 1,
        };
        match (from, to) {
            (Int::Known(from), Int::Known(to)) => wanted.min(((to - from) / 4).max(1) as usize),
            _ => wanted,
        }
    }

    /// The last reduction index in an order of lanes: blocks of sixteen, then the rest into its lanes.
    fn walk_lanes(&mut self, level: usize, index: usize, to: Int, state: &State) {
        let at = self.walk_by(level, index, Int::Known(0), to, (4, 4), state);
        let (Some(mut at), Some(end)) = (at.known(), to.known()) else {
            return;
        };
        let vectors = (end - at) / 4;
        if vectors > 0 {
            let to = Int::Known(at + 4 * vectors);
            let tile = vectors as usize;
            self.walk_by(level, index, Int::Known(at), to, (4, tile), state);
            at += 4 * vectors;
        }
        while at < end {
            let mut single = state.clone();
            if let Some(accumulators) = &mut single.accumulators {
                accumulators.lane = Some((at % 16) as usize);
            }
            self.enter(level, index, Int::Known(at), &mut single);
            self.level(level + 1, single);
            at += 1;
        }
    }

    /// A loop tested at its top: `index < limit`.
    pub fn open_loop(&mut self, from: Int, limit: Int) -> Loop {
        let variable = self.builder.declare_var(types::I64);
        let (from, limit) = (from.value(self.builder), limit.value(self.builder));
        self.builder.def_var(variable, from);
        let header = self.builder.create_block();
        let (body, exit) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().jump(header, &[]);
        self.builder.switch_to_block(header);
        let index = self.builder.use_var(variable);
        let inside = self.builder.ins().icmp(IntCC::SignedLessThan, index, limit);
        self.builder.ins().brif(inside, body, &[], exit, &[]);
        self.builder.seal_block(body);
        self.builder.switch_to_block(body);
        Loop {
            header,
            exit,
            variable,
            index,
        }
    }

    /// Ends a loop's body with a step.
    pub fn close_loop(&mut self, open: Loop, step: Int) {
        let next = Int::Running(open.index).add(self.builder, step);
        let next = next.value(self.builder);
        self.builder.def_var(open.variable, next);
        self.builder.ins().jump(open.header, &[]);
        self.builder.seal_block(open.header);
        self.builder.seal_block(open.exit);
        self.builder.switch_to_block(open.exit);
    }
}
