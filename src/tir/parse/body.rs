//! The formula of a comprehension or scatter: accesses, guards and scalar code.
use super::cursor::Cursor;
use super::{BEYOND_NUMBER, MOST_NESTED, Parsed};
use crate::base::types::DType;
use crate::tir::{
    Affine, Body, Condition, Graph, Guard, Inst, Literal, Op, Read, Subscript, Value,
};
use rustc_hash::FxHashMap;

/// A value that is there.
pub fn value(cursor: &mut Cursor<'_>, values: &FxHashMap<u32, Value>) -> Parsed<Value> {
    let place = cursor.place();
    let number = cursor.numbered('v', "a value, such as `v0`,")?;
    let known = values.get(&number).copied();
    known.ok_or_else(|| cursor.error_at(place, format!("there is no value `v{number}` yet")))
}

/// Code being read.
pub struct Code<'a> {
    graph: &'a Graph,
    values: &'a FxHashMap<u32, Value>,
    indices: usize,
    reads: Vec<Read>,
    body: Body,
    shared: FxHashMap<u32, u32>,
    depth: usize,
}

impl<'a> Code<'a> {
    /// Code without instructions, of a node with that many indices.
    pub fn new(graph: &'a Graph, values: &'a FxHashMap<u32, Value>, indices: usize) -> Code<'a> {
        Code {
            graph,
            values,
            indices,
            reads: Vec::new(),
            body: Body::default(),
            shared: FxHashMap::default(),
            depth: 0,
        }
    }

    /// The reads and the body.
    pub fn finish(self) -> (Vec<Read>, Body) {
        (self.reads, self.body)
    }

    /// `let s0 = expression; expression`
    pub fn read(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        while cursor.takes_word("let") {
            let name = cursor.numbered('s', "a name, such as `s0`,")?;
            cursor.expect("=")?;
            let at = self.expression(cursor)?;
            self.shared.insert(name, at);
            cursor.expect(";")?;
        }
        self.body.result = self.expression(cursor)?;
        Ok(())
    }

    /// `where condition and condition`, or nothing.
    pub fn domain(&self, cursor: &mut Cursor<'_>) -> Parsed<Guard> {
        if cursor.takes_word("where") {
            self.guard(cursor)
        } else {
            Ok(Guard::always())
        }
    }

    fn deeper(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MOST_NESTED {
            return Err(cursor.error("too many brackets in one another"));
        }
        Ok(())
    }

    fn expression(&mut self, cursor: &mut Cursor<'_>) -> Parsed<u32> {
        if cursor.takes("(") {
            self.deeper(cursor)?;
            let op = operator(cursor)?;
            let mut arguments = Vec::new();
            while !cursor.takes(")") {
                arguments.push(self.expression(cursor)?);
            }
            self.depth -= 1;
            // Equal operations stay apart unless the text shares them.
            self.body.insts.push(Inst::Op(op, arguments));
            return Ok(self.body.insts.len() as u32 - 1);
        }
        if cursor.peeked('v').is_some() {
            let read = self.access(cursor)?;
            return Ok(self.body.push(Inst::Read(read)));
        }
        if cursor.peeked('i').is_some() {
            let index = self.index(cursor)?;
            return Ok(self.body.push(Inst::Index(index as u32)));
        }
        if cursor.peeked('s').is_some() {
            let place = cursor.place();
            let name = cursor.numbered('s', "a name")?;
            let known = self.shared.get(&name).copied();
            return known
                .ok_or_else(|| cursor.error_at(place, format!("there is no `s{name}` yet")));
        }
        let literal = literal(cursor)?;
        Ok(self.body.push(Inst::Const(literal)))
    }

    fn index(&self, cursor: &mut Cursor<'_>) -> Parsed<usize> {
        let place = cursor.place();
        let index = cursor.numbered('i', "an index, such as `i0`,")? as usize;
        if index < self.indices {
            Ok(index)
        } else {
            Err(cursor.error_at(place, format!("there is no index `i{index}` here")))
        }
    }

    /// `v1[i0, v2[i1]]{guard else fill}`; gives the number of the read.
    fn access(&mut self, cursor: &mut Cursor<'_>) -> Parsed<u32> {
        self.deeper(cursor)?;
        let value = value(cursor, self.values)?;
        let subscripts = cursor.list("[", "]", |cursor| self.subscript(cursor))?;
        let dtype = self.graph.ty(value).dtype;
        let mut read = Read {
            value,
            subscripts,
            guard: Guard::always(),
            fill: Literal { dtype, value: 0.0 },
        };
        if cursor.takes("{") {
            read.guard = self.guard(cursor)?;
            cursor.expect_word("else")?;
            read.fill.value = literal(cursor)?.value;
            cursor.expect("}")?;
        }
        self.depth -= 1;
        let known = self.reads.iter().position(|other| *other == read);
        Ok(known.unwrap_or_else(|| {
            self.reads.push(read);
            self.reads.len() - 1
        }) as u32)
    }

    /// An affine expression, or the read that finds the position.
    pub fn subscript(&mut self, cursor: &mut Cursor<'_>) -> Parsed<Subscript> {
        if cursor.peeked('v').is_some() {
            Ok(Subscript::Gather(self.access(cursor)?))
        } else {
            Ok(Subscript::Affine(self.affine(cursor)?))
        }
    }

    fn guard(&self, cursor: &mut Cursor<'_>) -> Parsed<Guard> {
        let mut guard = Guard::always();
        loop {
            let expression = self.sum(cursor)?;
            let condition = if cursor.takes(">=") {
                Condition::NonNegative(expression)
            } else if cursor.takes("==") {
                Condition::Zero(expression)
            } else if cursor.takes("%") {
                let place = cursor.place();
                let by = cursor.size()? as i64;
                if by < 2 {
                    return Err(cursor.error_at(place, "a divisor is at least 2"));
                }
                cursor.expect("==")?;
                Condition::Divisible(expression, by)
            } else {
                return Err(cursor.error("`>= 0`, `== 0` or `% n == 0` is wanted"));
            };
            cursor.expect("0")?;
            guard.conditions.push(condition);
            if !cursor.takes_word("and") {
                return Ok(guard);
            }
        }
    }

    /// `2*i0 - i1 + 3` or `(i0 - 1)/2`
    fn affine(&self, cursor: &mut Cursor<'_>) -> Parsed<Affine> {
        if !cursor.takes("(") {
            return self.sum(cursor);
        }
        let sum = self.sum(cursor)?;
        cursor.expect(")")?;
        cursor.expect("/")?;
        let place = cursor.place();
        match cursor.size()? {
            0 => Err(cursor.error_at(place, "a divisor is at least 1")),
            by => Ok(sum.over(by as i64)),
        }
    }

    fn sum(&self, cursor: &mut Cursor<'_>) -> Parsed<Affine> {
        let place = cursor.place();
        let (mut constant, mut terms) = (0i64, Vec::new());
        let mut sign = if cursor.takes("-") { -1 } else { 1 };
        loop {
            if cursor.peeked('i').is_some() {
                terms.push((self.index(cursor)?, sign));
            } else {
                let number = coefficient(cursor)? * sign;
                if cursor.takes("*") {
                    terms.push((self.index(cursor)?, number));
                } else {
                    constant += number;
                }
            }
            sign = if cursor.takes("+") {
                1
            } else if cursor.takes("-") {
                -1
            } else {
                break;
            };
        }
        let sum = Affine::new(constant, terms);
        let small = |number: i64| number.abs() < BEYOND_NUMBER;
        if small(sum.offset()) && sum.terms().all(|term| small(term.1)) {
            Ok(sum)
        } else {
            Err(cursor.error_at(place, "the numbers of this access are too large"))
        }
    }
}

fn coefficient(cursor: &mut Cursor<'_>) -> Parsed<i64> {
    let place = cursor.place();
    let number = cursor.natural("an index or a number")? as u64;
    if number < BEYOND_NUMBER as u64 {
        Ok(number as i64)
    } else {
        Err(cursor.error_at(place, format!("a number is less than {BEYOND_NUMBER}")))
    }
}

fn operator(cursor: &mut Cursor<'_>) -> Parsed<Op> {
    let place = cursor.place();
    let name = cursor.any_word("an operator")?;
    let found = Op::ALL.into_iter().find(|op| op.name() == name);
    found.ok_or_else(|| cursor.error_at(place, format!("there is no operator `{name}`")))
}

/// `1.0` (f32), `1.0d` (f64), `1` (i32), `true`, `inf`, `NaNd`
fn literal(cursor: &mut Cursor<'_>) -> Parsed<Literal> {
    let place = cursor.place();
    let text = cursor.number_text();
    let wrong = || cursor.error_at(place, "an expression or a number is wanted");
    let truth = match text {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => None,
    };
    if let Some(value) = truth {
        let dtype = DType::Bool;
        return Ok(Literal { dtype, value });
    }
    if let Ok(whole) = text.parse::<i64>() {
        let (dtype, value) = (DType::I32, whole as f64);
        return Ok(Literal { dtype, value });
    }
    let (dtype, digits) = match text.strip_suffix('d') {
        Some(digits) => (DType::F64, digits),
        None => (DType::F32, text),
    };
    let value = digits.parse().map_err(|_| wrong())?;
    Ok(Literal { dtype, value })
}
