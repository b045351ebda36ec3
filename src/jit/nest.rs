//! The loops of one nest. Levels are walked from outside in: the indices that the range counts, the other free ones (the vector
//! index last), the reduction indices. At each level the accesses and instructions are emitted that need no deeper index.
//!
//! A loop is split into pieces in which a condition holds everywhere or nowhere: at compile time where the bounds are numbers, else
//! into edge, interior, edge. What stays undecided becomes a flag that chooses between the element and its fill.
use super::emit::{Features, Lanes};
use super::normal::{self, Normal};
use super::ops::emit_op;
use super::state::{Copies, Int, Known, State};
use crate::base::types::DType;
use crate::kir::Nest;
use crate::ops::math::Emitter;
use crate::tir::{Affine, Condition, Guard, Inst, Literal, Op, Order, Reducer};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};
use cranelift_frontend::{FunctionBuilder, Variable};

/// How many pieces a loop is cut into at compile time at most.
const MAX_PIECES: usize = 6;

/// Points of a reduction up to which its inner loops are written out.
const MOST_UNROLLED: usize = 9;

/// How the elements of a reduction are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// No reduction.
    Map,
    /// In order, one chain a copy.
    Chain,
    /// Chains in order over pieces of so many elements.
    Pieces(i64),
    /// Sixteen lanes in four vectors.
    Lanes,
    /// Sixteen lanes in memory, element by element.
    LanesInMemory,
}

/// Emits one nest into a function.
pub(super) struct NestEmitter<'a, 'f> {
    pub builder: &'a mut FunctionBuilder<'f>,
    pub features: Features,
    pub nest: &'a Nest,
    pub outer: usize,
    /// Element types of the buffers.
    pub buffers: &'a [DType],
    /// Addresses of the buffers.
    pub bases: &'a [Value],
    pub status: Value,
    /// Memory that may be read instead of an element outside a guard; also the lanes in memory.
    pub spare: Value,
    pub types: Vec<DType>,
    pub extents: Vec<usize>,
    pub conditions: Vec<Condition>,
    /// Conditions of the domain, then of each access (with the domain's), as positions.
    pub domain: Vec<usize>,
    pub guards: Vec<Vec<usize>>,
    /// Index of each level.
    pub levels: Vec<usize>,
    /// Level of each index.
    pub level_of: Vec<usize>,
    /// First level of the reduction.
    pub reduce_level: usize,
    pub vector: Option<usize>,
    pub mode: Mode,
    /// Levels that must be entered before an access, an instruction can be emitted.
    pub access_depth: Vec<usize>,
    pub inst_depth: Vec<usize>,
    /// The two instructions of a sum of products.
    pub product: Option<(u32, u32)>,
}

/// An open loop.
pub(super) struct Loop {
    header: Block,
    exit: Block,
    variable: Variable,
    pub index: Value,
}

fn collect_conditions(nest: &Nest) -> (Vec<Condition>, Vec<usize>, Vec<Vec<usize>>) {
    let mut conditions: Vec<Condition> = Vec::new();
    let mut number = |guard: &Guard| -> Vec<usize> {
        let position = |condition: &Condition| {
            let found = conditions.iter().position(|other| other == condition);
            found.unwrap_or_else(|| {
                conditions.push(condition.clone());
                conditions.len() - 1
            })
        };
        guard.conditions.iter().map(position).collect()
    };
    let domain = number(&nest.domain);
    let guards = nest
        .accesses
        .iter()
        .map(|access| {
            let mut all = number(&access.guard);
            all.extend(&domain);
            all
        })
        .collect();
    (conditions, domain, guards)
}

/// The instructions of the two reads of a sum whose body is exactly their product.
fn as_product(nest: &Nest, types: &[DType]) -> Option<(u32, u32)> {
    let result = nest.body.result as usize;
    if nest.reducer != Some(Reducer::Sum) || !types[result].is_float() {
        return None;
    }
    let Inst::Op(Op::Mul, arguments) = &nest.body.insts[result] else {
        return None;
    };
    let read = |at: u32| matches!(nest.body.insts[at as usize], Inst::Read(_));
    (read(arguments[0]) && read(arguments[1])).then_some((arguments[0], arguments[1]))
}

fn choose_mode(nest: &Nest, vector: Option<usize>) -> Mode {
    let count: usize = nest.reduce.iter().product();
    match (nest.reducer, nest.order) {
        (None, _) => Mode::Map,
        (Some(Reducer::ArgMax), _) => Mode::Chain,
        (Some(_), Order::Lanes) => match vector {
            Some(_) => Mode::Lanes,
            None => Mode::LanesInMemory,
        },
        (Some(Reducer::Sum), Order::Chain) if nest.piece_length < count => {
            Mode::Pieces(nest.piece_length.max(1) as i64)
        }
        (Some(_), Order::Chain) => Mode::Chain,
    }
}

impl<'a, 'f> NestEmitter<'a, 'f> {
    /// Prepares a normalised nest; its kernel has been verified.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        builder: &'a mut FunctionBuilder<'f>,
        features: Features,
        normal: &'a Normal,
        types: Vec<DType>,
        buffers: &'a [DType],
        bases: &'a [Value],
        status: Value,
        spare: Value,
    ) -> NestEmitter<'a, 'f> {
        let nest = &normal.nest;
        let extents: Vec<usize> = nest.free.iter().chain(&nest.reduce).copied().collect();
        let (conditions, domain, guards) = collect_conditions(nest);
        let vector = normal::choose_vector(normal, buffers, &types);
        let mut levels: Vec<usize> = (0..nest.free.len())
            .filter(|&i| Some(i) != vector)
            .collect();
        levels.extend(vector.filter(|&v| v < nest.free.len()));
        levels.extend(nest.free.len()..extents.len());
        let mut level_of = vec![0; extents.len()];
        for (level, &index) in levels.iter().enumerate() {
            level_of[index] = level;
        }
        let mut emitter = NestEmitter {
            mode: choose_mode(nest, vector),
            product: as_product(nest, &types),
            reduce_level: nest.free.len(),
            outer: normal.outer,
            access_depth: Vec::new(),
            inst_depth: Vec::new(),
            builder,
            features,
            nest,
            buffers,
            bases,
            status,
            spare,
            types,
            extents,
            conditions,
            domain,
            guards,
            levels,
            level_of,
            vector,
        };
        emitter.find_depths();
        emitter
    }

    fn expression_depth(&self, e: &Affine) -> usize {
        let depths = e.terms().map(|(index, _)| self.level_of[index] + 1);
        depths.max().unwrap_or(0)
    }

    fn find_depths(&mut self) {
        for (at, access) in self.nest.accesses.iter().enumerate() {
            let mut depth = self.expression_depth(&access.offset);
            for &condition in &self.guards[at] {
                depth = depth.max(self.expression_depth(self.conditions[condition].expression()));
            }
            for gather in &access.gathers {
                depth = depth.max(self.access_depth[gather.access as usize]);
            }
            self.access_depth.push(depth);
        }
        for inst in &self.nest.body.insts {
            let depth = match inst {
                Inst::Read(access) => self.access_depth[*access as usize],
                Inst::Index(index) => self.level_of[*index as usize] + 1,
                Inst::Const(_) => 0,
                Inst::Op(_, arguments) => {
                    let depths = arguments.iter().map(|&a| self.inst_depth[a as usize]);
                    depths.max().unwrap_or(0)
                }
            };
            self.inst_depth.push(depth);
        }
    }

    /// Emits the whole nest for `begin..end` (counted in the nest's own steps).
    pub fn emit(&mut self, begin: Value, end: Value) {
        if self.nest.free.contains(&0) {
            return;
        }
        let empty = self.nest.reduce.contains(&0);
        let decided = |condition: &Condition| match condition.decided(&self.extents) {
            _ if empty => Known::False,
            Some(true) => Known::True,
            Some(false) => Known::False,
            None => Known::Open,
        };
        let start = |e: &Affine| Int::Known(e.offset());
        let offsets = self.nest.accesses.iter().map(|access| &access.offset);
        let mut state = State {
            width: 1,
            tile: 1,
            index: vec![None; self.extents.len()],
            range: vec![None; self.extents.len()],
            known: self.conditions.iter().map(decided).collect(),
            sums: self
                .conditions
                .iter()
                .map(|c| start(c.expression()))
                .collect(),
            offsets: offsets
                .chain([&self.nest.store.offset])
                .map(start)
                .collect(),
            found: vec![None; self.nest.accesses.len()],
            computed: vec![None; self.nest.body.insts.len()],
            splats: Vec::new(),
            accumulators: None,
            splits: 2,
        };
        if !empty {
            self.emit_values(0, &mut state);
        }
        let outer: Vec<usize> = (0..self.outer).collect();
        if outer.is_empty() {
            self.level(0, state);
        } else {
            self.rows(&outer, 0, begin, end, state);
        }
    }

    /// Walks `begin..end` over some indices in row-major order: all but the last are found by division once a row, the last is a loop
    /// (at its own level).
    pub fn rows(
        &mut self,
        indices: &[usize],
        level: usize,
        begin: Value,
        end: Value,
        state: State,
    ) {
        let Some((&last, upper)) = indices.split_last() else {
            return;
        };
        if upper.is_empty() {
            let mut state = state;
            state.range[last] = Some((Int::Running(begin), Int::Running(end)));
            self.level(level, state);
            return;
        }
        let extent = self.extents[last] as i64;
        let row = self.open_loop(Int::Running(begin), Int::Running(end));
        let mut rest = self.builder.ins().udiv_imm_u(row.index, extent);
        let whole = self.builder.ins().imul_imm_s(rest, extent);
        let low = self.builder.ins().isub(row.index, whole);
        let left = self.builder.ins().isub(end, row.index);
        let high = self.builder.ins().iadd(low, left);
        let limit = self.builder.ins().iconst(types::I64, extent);
        let high = self.builder.ins().smin(high, limit);
        let mut inner = state;
        inner.range[last] = Some((Int::Running(low), Int::Running(high)));
        for &index in upper.iter().rev() {
            let size = self.extents[index] as i64;
            let quotient = self.builder.ins().udiv_imm_u(rest, size);
            let product = self.builder.ins().imul_imm_s(quotient, size);
            let value = self.builder.ins().isub(rest, product);
            inner.range[index] = Some((Int::Running(value), Int::Running(value)));
            rest = quotient;
        }
        for (at, &index) in upper.iter().enumerate() {
            if let Some((value, _)) = inner.range[index].take() {
                self.enter(level + at, index, value, &mut inner);
            }
        }
        self.level(level + upper.len(), inner);
        let step = self.builder.ins().isub(high, low);
        self.close_loop(row, Int::Running(step));
    }

    /// Emits everything from this level inwards.
    pub fn level(&mut self, level: usize, mut state: State) {
        if level == self.reduce_level && state.accumulators.is_none() && self.mode != Mode::Map {
            self.reduce(state);
            return;
        }
        let Some(&index) = self.levels.get(level) else {
            self.innermost(&mut state);
            return;
        };
        let whole = (Int::Known(0), Int::Known(self.extents[index] as i64));
        let (low, high) = state.range[index].take().unwrap_or(whole);
        let (low, high) = self.shrink(level, index, low, high, &mut state);
        let pieces = self.pieces(index, &state);
        let whole = pieces.len() == 1;
        for (from, to, piece) in pieces {
            let (mut start, mut end) = (low, high);
            if !whole {
                start = low.max(self.builder, Int::Known(from));
                end = high.min(self.builder, Int::Known(to));
            }
            if !matches!((start, end), (Int::Known(a), Int::Known(b)) if a >= b) {
                self.edges(level, index, start, end, piece);
            }
        }
    }

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
    fn shrink(
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
    fn pieces(&mut self, index: usize, state: &State) -> Vec<(i64, i64, State)> {
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
    fn edges(&mut self, level: usize, index: usize, from: Int, to: Int, state: State) {
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
            if self.nest.reducer.is_some() {
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
        let weight = normal::body_weight(self.nest);
        let wanted = match weight {
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

    /// Fixes an index: moves the offsets, decides what can be decided, emits what needs no deeper index.
    fn enter(&mut self, level: usize, index: usize, value: Int, state: &mut State) {
        state.index[index] = Some(value);
        let nest = self.nest;
        let offsets = nest.accesses.iter().map(|access| &access.offset);
        for (at, e) in offsets.chain([&nest.store.offset]).enumerate() {
            let coefficient = e.coefficient(index);
            if coefficient != 0 {
                let part = value.times(self.builder, coefficient);
                state.offsets[at] = state.offsets[at].add(self.builder, part);
            }
        }
        for at in 0..self.conditions.len() {
            self.enter_condition(at, level, index, value, state);
        }
        self.emit_values(level + 1, state);
    }

    fn enter_condition(
        &mut self,
        at: usize,
        level: usize,
        index: usize,
        value: Int,
        state: &mut State,
    ) {
        let condition = self.conditions[at].clone();
        let coefficient = condition.expression().coefficient(index);
        if coefficient != 0 {
            let part = value.times(self.builder, coefficient);
            state.sums[at] = state.sums[at].add(self.builder, part);
        }
        let decidable = self.expression_depth(condition.expression()) <= level + 1;
        if state.known[at] != Known::Open || !decidable {
            return;
        }
        state.known[at] = match (state.sums[at], condition) {
            (Int::Known(sum), Condition::NonNegative(_)) => truth(sum >= 0),
            (Int::Known(sum), Condition::Zero(_)) => truth(sum == 0),
            (Int::Known(sum), Condition::Divisible(_, by)) => truth(sum.rem_euclid(by) == 0),
            (Int::Running(sum), Condition::NonNegative(_)) => {
                let cc = IntCC::SignedGreaterThanOrEqual;
                Known::Flag(self.builder.ins().icmp_imm_s(cc, sum, 0))
            }
            (Int::Running(sum), Condition::Zero(_)) => {
                Known::Flag(self.builder.ins().icmp_imm_s(IntCC::Equal, sum, 0))
            }
            (Int::Running(sum), Condition::Divisible(_, by)) => {
                let rest = self.builder.ins().srem_imm_s(sum, by);
                Known::Flag(self.builder.ins().icmp_imm_s(IntCC::Equal, rest, 0))
            }
        };
    }

    /// Accesses and instructions that can be emitted once `depth` levels are entered.
    fn emit_values(&mut self, depth: usize, state: &mut State) {
        for at in 0..self.access_depth.len() {
            if self.access_depth[at] == depth && self.is_used(at) {
                let found = self.read(at, state);
                state.found[at] = Some(found);
            }
        }
        for at in 0..self.inst_depth.len() {
            let is_product = self.product.is_some() && at == self.nest.body.result as usize;
            if self.inst_depth[at] == depth && !is_product {
                let value = self.compute(at, state);
                state.computed[at] = value;
            }
        }
    }

    fn is_used(&self, access: usize) -> bool {
        let number = access as u32;
        let reads = |inst: &Inst| *inst == Inst::Read(number);
        let accesses = self.nest.accesses.iter().flat_map(|a| &a.gathers);
        let mut gathers = accesses.chain(&self.nest.store.gathers);
        self.nest.body.insts.iter().any(reads) || gathers.any(|gather| gather.access == number)
    }

    /// Emits an instruction of the body.
    fn compute(&mut self, at: usize, state: &mut State) -> Option<Copies> {
        let nest = self.nest;
        match &nest.body.insts[at] {
            Inst::Read(access) => state.found[*access as usize].clone(),
            Inst::Const(literal) => Some(Copies::Uniform(self.literal(*literal))),
            Inst::Index(index) => Some(self.index_value(*index as usize, state)),
            Inst::Op(op, arguments) => self.operate(*op, arguments, state),
        }
    }

    pub fn lanes(&mut self, width: usize) -> Lanes<'_, 'f> {
        Lanes {
            builder: self.builder,
            width,
            features: self.features,
        }
    }

    /// A constant of one lane.
    pub fn literal(&mut self, literal: Literal) -> Value {
        let ins = self.builder.ins();
        match literal.dtype {
            DType::F32 => ins.f32const(literal.value as f32),
            DType::F64 => ins.f64const(literal.value),
            DType::I32 | DType::U8 => {
                ins.iconst(types::I32, i64::from(literal.value as i32 as u32))
            }
            DType::Bool => ins.iconst(types::I8, i64::from(literal.value != 0.0)),
        }
    }

    /// An index as `i32`.
    fn index_value(&mut self, index: usize, state: &State) -> Copies {
        let value = state.index[index]
            .unwrap_or(Int::Known(0))
            .value(self.builder);
        let first = self.builder.ins().ireduce(types::I32, value);
        if self.vector != Some(index) || state.width == 1 {
            return Copies::Uniform(first);
        }
        let mut lanes = self.lanes(4);
        let first = lanes.splat(first);
        let steps: Vec<u8> = (0..4u32).flat_map(u32::to_le_bytes).collect();
        let steps = lanes.builder.func.dfg.constants.insert(steps.into());
        let steps = lanes.builder.ins().vconst(types::I32X4, steps);
        let first = lanes.int_add(first, steps);
        let copies = (0..state.tile as i32).map(|copy| {
            let offset = lanes.i32(4 * copy);
            lanes.int_add(first, offset)
        });
        Copies::Varying(copies.collect())
    }

    fn operate(&mut self, op: Op, arguments: &[u32], state: &mut State) -> Option<Copies> {
        let dtypes: Vec<DType> = arguments.iter().map(|&a| self.types[a as usize]).collect();
        let values: Option<Vec<Copies>> = arguments
            .iter()
            .map(|&a| state.computed[a as usize].clone())
            .collect();
        let values = values?;
        let uniform: Vec<Value> = values
            .iter()
            .filter_map(|value| match value {
                Copies::Uniform(value) => Some(*value),
                Copies::Varying(_) => None,
            })
            .collect();
        if uniform.len() == values.len() {
            let value = self.operate_once(op, arguments, &dtypes, &uniform, 1)?;
            return Some(Copies::Uniform(value));
        }
        let mut copies = Vec::with_capacity(state.tile);
        for copy in 0..state.tile {
            let inputs: Vec<Value> = (0..values.len())
                .map(|at| self.copy(&values[at], dtypes[at], copy, state))
                .collect();
            copies.push(self.operate_once(op, arguments, &dtypes, &inputs, state.width)?);
        }
        Some(Copies::Varying(copies.into()))
    }

    /// Whether an instruction is a constant other than NaN.
    fn is_number(&self, inst: u32) -> bool {
        matches!(&self.nest.body.insts[inst as usize], Inst::Const(c) if !c.value.is_nan())
    }

    fn operate_once(
        &mut self,
        op: Op,
        arguments: &[u32],
        dtypes: &[DType],
        inputs: &[Value],
        width: usize,
    ) -> Option<Value> {
        if let (Op::Max | Op::Min, [DType::F32, _], &[a, b]) = (op, dtypes, inputs) {
            let (first, second) = (self.is_number(arguments[0]), self.is_number(arguments[1]));
            let mut lanes = self.lanes(width);
            // Where one is a number, one comparison is enough for the rules of NaN and of equal values.
            if second {
                let take = if op == Op::Max {
                    lanes.lt(a, b)
                } else {
                    lanes.lt(b, a)
                };
                return Some(lanes.choose(take, b, a));
            }
            if first {
                let keep = if op == Op::Max {
                    lanes.le(b, a)
                } else {
                    lanes.le(a, b)
                };
                return Some(lanes.choose(keep, a, b));
            }
        }
        emit_op(&mut self.lanes(width), op, dtypes, inputs)
    }

    /// One copy of a value, in all lanes of the width.
    pub fn copy(&mut self, value: &Copies, dtype: DType, copy: usize, state: &mut State) -> Value {
        match value {
            Copies::Varying(copies) => copies[copy.min(copies.len() - 1)],
            Copies::Uniform(value) if state.width == 1 => *value,
            Copies::Uniform(value) => {
                if let Some(&(_, vector)) = state.splats.iter().find(|pair| pair.0 == *value) {
                    return vector;
                }
                let vector = self.splat(*value, dtype);
                state.splats.push((*value, vector));
                vector
            }
        }
    }

    /// A scalar in four lanes; a truth value as a mask.
    pub fn splat(&mut self, value: Value, dtype: DType) -> Value {
        let value = match dtype {
            DType::Bool => {
                let word = self.builder.ins().uextend(types::I32, value);
                self.builder.ins().ineg(word)
            }
            DType::F32 | DType::F64 | DType::I32 | DType::U8 => value,
        };
        self.lanes(4).splat(value)
    }
}

fn truth(holds: bool) -> Known {
    if holds { Known::True } else { Known::False }
}
