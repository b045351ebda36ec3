//! Reads the text form of a graph, as the printer writes it: `parse(text)` of a printed graph prints the same.
//!
//! Blank lines and lines that begin with `#` are left out. Sources of nodes and unguarded fill values are not in the text, so they are
//! those of a node made by hand. A graph that is read may still be wrong in types and bounds: [`super::verify::verify`] says so.
mod body;
mod cursor;

use super::graph::{Comprehension, Graph, Node, Order, Reducer, Region, Scan, Scatter, Value};
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use cursor::Cursor;
use rustc_hash::FxHashMap;
use std::fmt;

/// Why a text is no graph, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.message
        )
    }
}

impl std::error::Error for ParseError {}

type Parsed<T> = Result<T, ParseError>;

/// Most scans, parentheses and gathers in one another.
const MOST_NESTED: usize = 64;

/// Most indices of a node, and most dimensions of a tensor.
const MOST_INDICES: usize = 16;

/// One more than the greatest size of a dimension: with coefficients below [`BEYOND_NUMBER`] no access overflows 64 bits.
const BEYOND_SIZE: i64 = 1 << 28;

/// One more than the greatest coefficient or offset of an access.
const BEYOND_NUMBER: i64 = 1 << 30;

/// Most elements of a tensor.
const MOST_ELEMENTS: usize = 1 << 40;

/// Reads a graph.
///
/// # Errors
/// The first place where the text is not that of a graph.
pub fn parse(text: &str) -> Parsed<Graph> {
    let mut cursor = Cursor::new(text);
    let graph = Reader::default().graph(&mut cursor)?;
    cursor.blank_lines();
    if cursor.is_at_end() {
        Ok(graph)
    } else {
        Err(cursor.error("nothing follows the line `return ...`"))
    }
}

/// A graph being read.
#[derive(Default)]
struct Reader {
    graph: Graph,
    /// The values by the numbers that the text gives them.
    values: FxHashMap<u32, Value>,
    /// Scans around.
    depth: usize,
}

impl Reader {
    /// Nodes up to and with the line `return ...`.
    fn graph(mut self, cursor: &mut Cursor<'_>) -> Parsed<Graph> {
        if self.depth > MOST_NESTED {
            return Err(cursor.error("too many scans in one another"));
        }
        loop {
            cursor.blank_lines();
            if cursor.takes_word("return") {
                self.graph.outputs = self.values_until_end(cursor)?;
                cursor.end_of_line()?;
                return Ok(self.graph);
            }
            self.line(cursor)?;
        }
    }

    /// `v3: f32[2], v4: i32[] = node`
    fn line(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let (mut numbers, mut types) = (Vec::new(), Vec::new());
        loop {
            let place = cursor.place();
            let number = cursor.numbered('v', "a value, such as `v0`, or `return`")?;
            if self.values.contains_key(&number) || numbers.contains(&number) {
                return Err(cursor.error_at(place, format!("`v{number}` is there already")));
            }
            numbers.push(number);
            cursor.expect(":")?;
            types.push(ty(cursor)?);
            if !cursor.takes(",") {
                break;
            }
        }
        cursor.expect("=")?;
        let results = if cursor.takes_word("input") {
            vec![self.input(cursor, &types)?]
        } else {
            let node = self.node(cursor, &types)?;
            self.graph.add(node, types, Span::default())
        };
        cursor.end_of_line()?;
        self.values.extend(numbers.into_iter().zip(results));
        Ok(())
    }

    fn input(&mut self, cursor: &mut Cursor<'_>, types: &[Type]) -> Parsed<Value> {
        let place = cursor.place();
        let number = cursor.natural("the input's number")?;
        if number != self.graph.inputs.len() {
            let message = format!("the next input has number {}", self.graph.inputs.len());
            return Err(cursor.error_at(place, message));
        }
        let name = cursor.quoted()?;
        match types {
            [ty] => Ok(self.graph.input(name, ty.clone())),
            _ => Err(cursor.error("an input has one result")),
        }
    }

    fn node(&mut self, cursor: &mut Cursor<'_>, types: &[Type]) -> Parsed<Node> {
        if cursor.takes_word("scan") {
            return self.scan(cursor);
        }
        if cursor.takes_word("region") {
            return self.region(cursor, types);
        }
        if cursor.takes_word("gradient") {
            let of = self.value(cursor)?;
            cursor.expect_word("by")?;
            let with_respect_to = self.values_until_end(cursor)?;
            return Ok(Node::Gradient {
                of,
                with_respect_to,
            });
        }
        let [ty] = types else {
            return Err(cursor.error("only a scan, a region or a gradient has several results"));
        };
        self.single(cursor, ty)
    }

    /// A node of one result.
    fn single(&mut self, cursor: &mut Cursor<'_>, ty: &Type) -> Parsed<Node> {
        if cursor.sees("[") {
            Ok(Node::Comprehension(self.comprehension(cursor, ty.dtype)?))
        } else if cursor.takes_word("scatter") {
            Ok(Node::Scatter(self.scatter(cursor, ty)?))
        } else if cursor.takes_word("constant") {
            let elements = cursor.list("[", "]", |cursor| cursor.float("an element"))?;
            Ok(Node::Constant(elements))
        } else if cursor.takes_word("reshape") {
            Ok(Node::Reshape(self.value(cursor)?))
        } else if cursor.takes_word("concat") {
            let mut values = vec![self.value(cursor)?];
            while cursor.takes(",") {
                values.push(self.value(cursor)?);
            }
            cursor.expect_word("over")?;
            Ok(Node::Concat(values, cursor.axis()?))
        } else if cursor.takes_word("stop_gradient") {
            Ok(Node::StopGradient(self.value(cursor)?))
        } else {
            Err(cursor.error(
                "a node is wanted: `[indices] formula`, input, constant, reshape, concat, scatter, scan, region, gradient or stop_gradient",
            ))
        }
    }

    fn comprehension(&self, cursor: &mut Cursor<'_>, dtype: DType) -> Parsed<Comprehension> {
        let shape = bounds(cursor, 0)?;
        let reducer = [
            Reducer::Sum,
            Reducer::Prod,
            Reducer::Max,
            Reducer::Min,
            Reducer::ArgMax,
        ]
        .into_iter()
        .find(|reducer| cursor.takes_word(reducer.name()));
        let (mut order, mut reduce) = (Order::default(), Vec::new());
        if reducer.is_some() {
            if cursor.takes_word("lanes") {
                order = Order::Lanes;
            }
            reduce = bounds(cursor, shape.len())?;
        }
        let mut code = body::Code::new(&self.graph, &self.values, shape.len() + reduce.len());
        code.read(cursor)?;
        let domain = code.domain(cursor)?;
        let (reads, body) = code.finish();
        Ok(Comprehension {
            shape,
            reduce,
            reducer,
            order,
            domain,
            reads,
            body,
            dtype,
        })
    }

    /// `[i0 < 4] at [v1[i0]] body where domain`
    fn scatter(&self, cursor: &mut Cursor<'_>, ty: &Type) -> Parsed<Scatter> {
        let extents = bounds(cursor, 0)?;
        cursor.expect_word("at")?;
        let mut code = body::Code::new(&self.graph, &self.values, extents.len());
        let target = cursor.list("[", "]", |cursor| code.subscript(cursor))?;
        code.read(cursor)?;
        let domain = code.domain(cursor)?;
        let (reads, body) = code.finish();
        Ok(Scatter {
            shape: ty.shape.clone(),
            extents,
            domain,
            reads,
            body,
            target,
            dtype: ty.dtype,
        })
    }

    fn scan(&mut self, cursor: &mut Cursor<'_>) -> Parsed<Node> {
        let reverse = cursor.takes_word("reverse");
        let length = cursor.size()?;
        cursor.expect_word("states")?;
        let states = cursor.list("(", ")", |cursor| self.value(cursor))?;
        cursor.expect_word("sequences")?;
        let sequences = cursor.list("(", ")", |cursor| {
            let value = self.value(cursor)?;
            cursor.expect_word("over")?;
            Ok((value, cursor.axis()?))
        })?;
        cursor.expect_word("captured")?;
        let captured = cursor.list("(", ")", |cursor| self.value(cursor))?;
        cursor.expect_word("stacks")?;
        let stacks = cursor.list("[", "]", Cursor::axis)?;
        cursor.expect("{")?;
        cursor.end_of_line()?;
        let inner = Reader {
            depth: self.depth + 1,
            ..Reader::default()
        };
        let body = Box::new(inner.graph(cursor)?);
        cursor.blank_lines();
        cursor.expect("}")?;
        Ok(Node::Scan(Scan {
            length,
            reverse,
            states,
            sequences,
            captured,
            stacks,
            body,
        }))
    }

    fn region(&mut self, cursor: &mut Cursor<'_>, types: &[Type]) -> Parsed<Node> {
        cursor.expect_word("outer")?;
        let outer = cursor.axis()?;
        cursor.expect("{")?;
        cursor.end_of_line()?;
        let mut members = Vec::with_capacity(types.len());
        for ty in types {
            cursor.blank_lines();
            members.push(self.single(cursor, ty)?);
            cursor.end_of_line()?;
        }
        cursor.blank_lines();
        cursor.expect("}")?;
        Ok(Node::Region(Region { members, outer }))
    }

    fn value(&self, cursor: &mut Cursor<'_>) -> Parsed<Value> {
        body::value(cursor, &self.values)
    }

    /// Values up to the end of the line, perhaps none.
    fn values_until_end(&self, cursor: &mut Cursor<'_>) -> Parsed<Vec<Value>> {
        let mut values = Vec::new();
        if cursor.sees_end_of_line() {
            return Ok(values);
        }
        values.push(self.value(cursor)?);
        while cursor.takes(",") {
            values.push(self.value(cursor)?);
        }
        Ok(values)
    }
}

/// `f32[2, 3]`
fn ty(cursor: &mut Cursor<'_>) -> Parsed<Type> {
    let dtypes = [DType::F32, DType::F64, DType::I32, DType::Bool, DType::U8];
    let Some(dtype) = dtypes
        .into_iter()
        .find(|dtype| cursor.takes_word(dtype.name()))
    else {
        return Err(cursor.error("an element type is wanted: f32, f64, i32, bool or u8"));
    };
    let place = cursor.place();
    let shape = cursor.list("[", "]", Cursor::size)?;
    let elements = shape
        .iter()
        .try_fold(1usize, |count, &size| count.checked_mul(size))
        .filter(|&count| count <= MOST_ELEMENTS);
    if shape.len() > MOST_INDICES || elements.is_none() {
        return Err(cursor.error_at(place, "a tensor of too many dimensions or elements"));
    }
    Ok(Type::new(dtype, shape))
}

/// `[i0 < 4, i1 < 3]`, whose indices count from `first`.
fn bounds(cursor: &mut Cursor<'_>, first: usize) -> Parsed<Vec<usize>> {
    let mut next = first;
    let place = cursor.place();
    let sizes = cursor.list("[", "]", |cursor| {
        let place = cursor.place();
        let index = cursor.numbered('i', "an index, such as `i0`")?;
        if index as usize != next {
            return Err(cursor.error_at(place, format!("the next index is `i{next}`")));
        }
        next += 1;
        cursor.expect("<")?;
        cursor.size()
    })?;
    let points = sizes
        .iter()
        .try_fold(1usize, |count, &size| count.checked_mul(size))
        .filter(|&count| count <= MOST_ELEMENTS);
    if next > MOST_INDICES || points.is_none() {
        return Err(cursor.error_at(place, "too many indices or points"));
    }
    Ok(sizes)
}
