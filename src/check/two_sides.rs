//! What is said where the sizes of two tensors differ: both sides by their names, and the mend that follows from them.
use super::Checker;
use super::augment::help_for_augmentation;
use super::values::{Num, Outcome, TensorVal, Val};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::syntax::ast::{Dim, Expr, ExprKind, TypeExpr};
use std::sync::Arc;

/// The argument that gave a name of the signature its size.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// What it is: "`pred` of `mse`".
    what: String,
    tensor: TensorVal,
    /// Which of its dimensions, where it is one.
    axis: Option<usize>,
    place: Span,
}

/// "`pred`" of "`pred` of `mse`".
fn alone(what: &str) -> &str {
    what.split_once(" of ").map_or(what, |(name, _)| name)
}

/// "mse" of "`pred` of `mse`".
fn called(what: &str) -> &str {
    let after = what.rsplit_once(" of ").map_or("", |(_, name)| name);
    after.trim_matches('`').trim_start_matches("val_")
}

fn listed(sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    sizes.join(", ")
}

/// What a tensor with another number of dimensions is told. Of an argument, the declaration speaks; of a result, the value.
pub(super) fn other_rank(what: &str, least: &str, wanted: usize, found: usize) -> String {
    let dimensions = |count: usize| match count {
        1 => "1 dimension".to_string(),
        _ => format!("{count} dimensions"),
    };
    match what.starts_with("the ") {
        true => format!(
            "{what} has {}, and {least}{wanted} {} declared",
            dimensions(found),
            if wanted == 1 { "is" } else { "are" }
        ),
        false => format!("{what} wants {least}{}, not {found}", dimensions(wanted)),
    }
}

/// What is said of tensors that `concat` or `stack` cannot join, and the mend.
pub(super) fn not_joined(
    name: &str,
    first: &Type,
    other: &Type,
    free: Option<usize>,
) -> (String, String) {
    let sizes = first.shape.iter().zip(&other.shape).enumerate();
    let mut differing = sizes.filter(|(at, (a, b))| a != b && free != Some(*at));
    let message = format!("`{name}` joins tensors that agree in all other dimensions");
    if first.dtype != other.dtype || first.shape.len() != other.shape.len() {
        return (message, "reshape or convert them to agree".into());
    }
    let Some((at, (a, b))) = differing.next() else {
        return (message, "reshape or slice them to agree".into());
    };
    let more = format!("{message}: dimension {at} is {a} and {b}");
    let help = match (free, differing.next()) {
        (Some(free), None) if first.shape.get(free) == other.shape.get(free) => {
            format!("`over = {at}` joins along the dimension that differs; else slice to agree")
        }
        _ if a.abs_diff(*b) == 1 => {
            "halving rounds an odd size down: choose sizes that halve as often as they are pooled, or slice the larger one".into()
        }
        _ => "reshape or slice them to agree".into(),
    };
    (more, help)
}

/// The mend where the state of a `scan` would change its type.
pub(super) fn for_state(state: &Type, found: &Type) -> String {
    let keeps = "a state keeps its type from turn to turn";
    if state.shape.len() == found.shape.len() && state.shape != found.shape {
        return format!(
            "{keeps}; the values of all turns are stacked anyway, so that nothing need be gathered in it"
        );
    }
    if state.dtype == found.dtype {
        return format!("{keeps}: let it begin as `zeros[{}]`", listed(&found.shape));
    }
    format!(
        "{keeps}: let it begin as {}, or convert the body's value",
        found.dtype
    )
}

/// The nearest divisors of a number around another.
fn divisors_around(number: i64, other: i64) -> Option<(i64, i64)> {
    let divides = |by: &i64| number % by == 0;
    let below = (1..=other.min(number)).rev().find(divides)?;
    let above = (other.max(1)..=number).find(divides)?;
    Some((below, above))
}

/// The largest number of which divisors are sought.
const LARGEST: i64 = 1 << 20;

impl Checker<'_> {
    /// Keeps in mind which argument gave a name of the signature its size.
    pub(super) fn gave(
        &mut self,
        name: &Arc<str>,
        tensor: &TensorVal,
        axis: Option<usize>,
        what: &str,
        place: Span,
    ) {
        let given = Given {
            what: what.into(),
            tensor: tensor.clone(),
            axis,
            place,
        };
        self.frame().first_given.insert(name.clone(), given);
    }

    /// The name that stands at a place, or `x` where something longer does.
    fn name_at(&self, place: Span) -> String {
        let text = self.short(place, "x");
        let is_name = text
            .chars()
            .all(|c| c.is_alphanumeric() || "_.′'".contains(c));
        if is_name { text } else { "x".into() }
    }

    /// Why a number with a point is no size; a division that gave it is named.
    pub(super) fn not_a_size(&self, x: f64) -> (String, String) {
        let rounds = "`//` rounds down; or choose sizes that divide";
        let division = self.inexact.filter(|&(i, j, _)| i as f64 / j as f64 == x);
        let Some((i, j, place)) = division else {
            let message = match x.fract() == 0.0 {
                true => {
                    format!("a size is a whole number, written without a point: {x}, not {x:.1}")
                }
                false => format!("a size cannot be {x}"),
            };
            return (message, rounds.into());
        };
        let written = self.short(place, "");
        let message = match written.is_empty() || written == format!("{i} / {j}") {
            true => format!("{i} / {j} is not whole"),
            false => format!("{i} / {j} is not whole, and `{written}` is a size"),
        };
        let around = (1..=LARGEST).contains(&i) && j > 0;
        match around.then(|| divisors_around(i, j)).flatten() {
            Some((below, above)) => (
                message,
                format!(
                    "{i} divides by {below} and by {above}: choose one of them in place of {j}, or another size in place of {i}"
                ),
            ),
            None if around && i < j => (message, format!("choose {i} or less in place of {j}")),
            None => (message, rounds.into()),
        }
    }

    /// Two arguments whose sizes a signature gives one name, `..s`.
    pub(super) fn two_shapes(
        &mut self,
        name: &Arc<str>,
        sizes: (&[usize], &[usize]),
        tensor: &TensorVal,
        what: &str,
        place: Span,
        ty: &TypeExpr,
    ) -> Outcome<()> {
        let described = self.describe(tensor);
        let given = self.frame().first_given.get(name).cloned();
        let of_given = given.as_ref().map(|given| self.describe(&given.tensor));
        let of_given = of_given.unwrap_or_default();
        let rank = |given: &Given| self.type_of(&given.tensor).shape.len();
        let message = match &given {
            // Only a part of the dimensions of the other one has the name.
            Some(given) if rank(given) != sizes.0.len() => format!(
                "{what} is {described}, and beside {} of {} it must be {:?}",
                alone(&given.what),
                of_given,
                sizes.0
            ),
            Some(given) => format!(
                "{what} is {described}, and {} is {}",
                alone(&given.what),
                of_given
            ),
            None => format!(
                "{what} has another shape: {:?} where {:?} came before",
                sizes.1, sizes.0
            ),
        };
        let dtype = self.type_of(tensor).dtype;
        let turned = given.as_ref().filter(|_| what.starts_with("`label`"));
        let turned = turned.and_then(|given| self.classes_in_front(given, sizes.1));
        let help = turned.unwrap_or_else(|| self.help_for_shapes(what, sizes, dtype, place));
        let mut diagnostic = Diagnostic::error("E0349", place, message)
            .here(described)
            .help(help);
        match given.filter(|given| given.place != place && self.frame().module == 0) {
            Some(given) => diagnostic = diagnostic.label(given.place, of_given),
            None => {
                let reason = format!("`..{name}` stands for the same sizes everywhere");
                diagnostic = diagnostic.label(ty.span, reason);
            }
        }
        Err(self.report(diagnostic))
    }

    /// The mend where the classes of scores do not stand last, as another library wants them.
    fn classes_in_front(&self, scores: &Given, labels: &[usize]) -> Option<String> {
        let shape = self.type_of(&scores.tensor).shape;
        let without = |at: usize| {
            let mut sizes = shape.clone();
            sizes.remove(at);
            sizes
        };
        let at = (0..shape.len().saturating_sub(1)).find(|&at| without(at) == labels)?;
        let order: Vec<usize> = (0..shape.len())
            .filter(|&axis| axis != at)
            .chain([at])
            .collect();
        Some(format!(
            "the scores of the classes stand in the last dimension: `transpose({}, [{}])`",
            self.name_at(scores.place),
            listed(&order)
        ))
    }

    /// The mend where a target has not the shape of the prediction, and the like: `bound` came first.
    fn help_for_shapes(
        &self,
        what: &str,
        (bound, found): (&[usize], &[usize]),
        dtype: DType,
        place: Span,
    ) -> String {
        let label = what.starts_with("`label`");
        let text = self.short(place, "...");
        let alone = text == called(what);
        let reshaped = |to: &[usize]| match alone {
            true => format!("`reshape(t, [{}])`", listed(to)),
            false => format!("`reshape({text}, [{}])`", listed(to)),
        };
        let one_more = |long: &[usize], short: &[usize]| {
            long.len() == short.len() + 1 && long.starts_with(short)
        };
        let same_count = bound.iter().product::<usize>() == found.iter().product::<usize>();
        match (bound.last(), found.last()) {
            _ if found.is_empty() && called(what) == "soft_cross_entropy" => {
                "its targets are rows of probabilities, one for each class: of classes as whole numbers `cross_entropy` is the loss".into()
            }
            (Some(1), _) if one_more(bound, found) && !label => {
                let (sizes, where_n) = match found.len() {
                    1 => ("n".to_string(), ", where its signature is `x: [n, ...]`"),
                    _ => (listed(found), ""),
                };
                format!("the prediction has a last dimension of 1 that the target lacks: end the model with `|> reshape([{sizes}])`{where_n}")
            }
            (_, Some(1)) if one_more(found, bound) => {
                format!("drop the last dimension, of size 1: {}", reshaped(bound))
            }
            (_, Some(_)) if label && one_more(found, bound) && dtype == DType::I32 => {
                "a label is one whole number for each row, the class: of rows that mark it with a 1 take `argmax(y, over = -1)`".into()
            }
            _ if same_count => format!("reshape one: {}", reshaped(bound)),
            (Some(width), _) if label && bound.len() == found.len() + 2 && bound.starts_with(found) => format!(
                "there are scores for each of {} by {width} pixels and one label for them all: put `|> flatten` before the last layer",
                bound[found.len()]
            ),
            (Some(steps), _) if label && one_more(bound, found) => format!(
                "there are scores for each of {steps} steps and one label for them all: before the last layer take one step, `|> last_over_time`, or the mean, `|> mean_over_time`"
            ),
            _ if label => format!(
                "each row of scores wants one label: there are {} rows and {} labels",
                bound.iter().product::<usize>(),
                found.iter().product::<usize>()
            ),
            _ if what.starts_with("`target`") && let Some(help) = help_for_target(bound, found) => help,
            _ => "make the shapes equal, or reshape one; a size of 1 is not stretched here, since most often it is forgotten".into(),
        }
    }

    /// Two arguments of which a signature gives one dimension the same name.
    pub(super) fn two_sizes<T>(
        &mut self,
        name: &Arc<str>,
        (bound, size): (&str, usize),
        tensor: &TensorVal,
        (axis, what): (usize, &str),
        place: Span,
        ty: &TypeExpr,
    ) -> Outcome<T> {
        let described = self.describe(tensor);
        let given = self.frame().first_given.get(name).cloned();
        let other = given
            .as_ref()
            .and_then(|given| given.axis.map(|axis| (alone(&given.what), axis)));
        let message = match other {
            Some((other, at)) => format!(
                "dimension {axis} of {what} is {size}, but dimension {at} of {other} is {bound}"
            ),
            None => format!("dimension {axis} of {what} is {size}, but `{name}` is {bound}"),
        };
        let mut diagnostic = Diagnostic::error("E0350", place, message)
            .here(described)
            .help(self.help_for_sizes(what, (bound, size), axis, place));
        match given.filter(|given| given.place != place && self.frame().module == 0) {
            Some(given) => {
                let described = self.describe(&given.tensor);
                diagnostic = diagnostic.label(given.place, described);
            }
            None => {
                let reason = format!("`{name}` must be the same everywhere in this signature");
                diagnostic = diagnostic.label(ty.span, reason);
            }
        }
        Err(self.report(diagnostic))
    }

    /// The mend where two operands have the same sizes in another order.
    pub(super) fn turning(
        &self,
        one: &TensorVal,
        other: &TensorVal,
        place: Option<&Span>,
    ) -> Option<String> {
        let order = order_of(&self.type_of(one).shape, &self.type_of(other).shape)?;
        let text = place.map_or("x".into(), |place| self.short(*place, "x"));
        let call = match order.as_slice() {
            [_, _] => format!("transpose({text})"),
            order => format!("transpose({text}, [{}])", listed(order)),
        };
        Some(format!(
            "both have the same sizes in another order: `{call}` has that of the left side; else equal sizes or 1 are needed, counted from the right"
        ))
    }

    /// The mend where a transposed convolution gives less than is wanted: its stride leaves the size open.
    fn help_for_transposed(
        &self,
        what: &str,
        wanted: Option<usize>,
        size: usize,
        place: Span,
    ) -> Option<String> {
        let lacking = wanted?
            .checked_sub(size)
            .filter(|lacking| (1..8).contains(lacking))?;
        let transposed = self.sources.snippet(place).contains("conv_transpose");
        (transposed && what.starts_with("the result")).then(|| format!(
            "a convolution with a stride gives {size} of several sizes, and its transpose the least of them: `output_padding = {lacking}` adds {lacking}"
        ))
    }

    /// The mend where one dimension has two sizes.
    fn help_for_sizes(
        &self,
        what: &str,
        (bound, size): (&str, usize),
        axis: usize,
        place: Span,
    ) -> String {
        let times = bound
            .parse()
            .ok()
            .filter(|&bound| bound > 0 && size % bound == 0);
        let times = times.map_or(0, |bound: usize| size / bound);
        let joins = self.sources.snippet(place).contains("concat(");
        match (alone(what), called(what)) {
            ("`p`", "soft_cross_entropy" | "kl") => format!(
                "the model gives {bound} scores for each row and the target has {size} classes: end it with `dense({size})`"
            ),
            ("`weight`", _) => format!("give one weight for each of the {bound} classes"),
            ("`h0`" | "`c0`", of) if axis == 1 => format!(
                "make the layer as wide as the state, `{of}({size})`, or the state as narrow, `|> dense({bound})`; two directions side by side are twice as wide as one"
            ),
            _ if let Some(help) =
                self.help_for_transposed(what, bound.parse().ok(), size, place) =>
            {
                help
            }
            _ if axis == 0 && times > 1 && joins && what.starts_with("the result") => format!(
                "{size} is {times} times {bound}: `concat` joins along dimension 0 where nothing else is said; `concat(a, b, over = -1)` joins along the last"
            ),
            _ => format!("make the two sizes equal: {size} or {bound}"),
        }
    }

    /// The mend where the inner sizes of a product differ and no transpose makes them equal.
    pub(super) fn help_for_product(
        &self,
        (left, k): (&[usize], usize),
        right: &[usize],
        [left_place, place]: [Span; 2],
    ) -> String {
        // W x of a paper, where x holds an example in each row.
        if let ([rows, _], [_, columns]) = (left, right)
            && rows == columns
        {
            let (a, b) = (self.short(left_place, "a"), self.short(place, "b"));
            return format!(
                "the other way round they fit, with an example in each row: `{b} @ {a}`"
            );
        }
        let which = if right.len() == 1 {
            "only one"
        } else {
            "last but one"
        };
        let rows = right[right.len().saturating_sub(2)];
        let rule = format!(
            "the last dimension on the left ({k}) must equal the {which} on the right ({rows})"
        );
        let name = self.name_at(place);
        match right {
            [_, columns] if name == self.sources.snippet(place) => {
                format!("{rule}: with `{name}` as [{k}, {columns}] it would")
            }
            _ => rule,
        }
    }

    /// The mend where a tensor has another number of dimensions than declared.
    pub(super) fn help_for_rank(
        &mut self,
        what: &str,
        dims: &[Dim],
        tensor: &TensorVal,
        place: Span,
    ) -> String {
        let shape = self.type_of(tensor).shape;
        let result = what.starts_with("the ");
        let open = dims.iter().any(|dim| matches!(dim, Dim::Rest(..)));
        let wanted = dims.len() - usize::from(open);
        let text = self.name_at(place);
        if let Some(help) = help_for_augmentation(called(what), &shape, &text) {
            return help;
        }
        match (wanted, shape.len()) {
            (4, 3) if called(what) == "attention" => format!(
                "the third dimension counts the heads: `reshape({text}, [{}])` has one; with weights of its own take the layer `multi_head_attention(heads)`",
                listed(&[&shape[..2], &[1], &shape[2..]].concat())
            ),
            _ if what.starts_with("`mask`") => {
                "a mask is true or false for each step of each example, [n, t]; that no step sees a later one is said by `causal = true`".into()
            }
            (4, 2 | 3) if !result && self.sources.snippet(place).starts_with("train ") => {
                help_for_images_of_a_set(&declared(dims), &shape)
            }
            (4, 2) if !result => "images are [n, channels, height, width]: reshape first, `reshape(x, [n, 1, 28, 28])`".into(),
            (2, 1) if what.starts_with("`y` of") => {
                "class numbers become distributions with `|> one_hot(\"y\")` of the data set; else reshape, `reshape(y, [n, 1])`".into()
            }
            (2, 4) => "flatten first: `x |> flatten |> ...`".into(),
            (_, found) if result && !open && found == wanted + 1 && shape.ends_with(&[1]) && found > 1 => {
                self.help_for_column(dims)
            }
            (2, 3) if result => "a sequence remains: take its last step with `x |> last_over_time`, or the mean of all with `mean_over_time`".into(),
            (2, 0) if self.sources.snippet(place).contains('@') => "a product of two vectors is one number; all products of their elements are `let c[i, j] = a[i] * b[j]`".into(),
            (_, found) if found + 1 == wanted && found > 0 && !result => {
                help_for_a_missing_dimension(what, &declared(dims), &shape, tensor, &text)
            }
            (_, found) if found == wanted + 1 && !open && !result => {
                match one_too_many(&declared(dims), &shape) {
                    Some(sizes) => format!("one dimension of size 1 is too many: `reshape({text}, [{}])`", listed(&sizes)),
                    None => "reshape, or check what is passed".into(),
                }
            }
            _ if result && !open => format!("the body gives {0}: declare `-> {0}`, or `reshape` it", self.as_declared(tensor)),
            _ => "reshape, or check what is passed".into(),
        }
    }

    /// The sizes of a tensor as a signature would state them: by its names where they are bound, else as numbers.
    fn as_declared(&mut self, tensor: &TensorVal) -> String {
        let shape = self.type_of(tensor).shape;
        let names = tensor.dims.iter().cloned().chain(std::iter::repeat(None));
        let sizes: Vec<String> = shape
            .iter()
            .zip(names)
            .map(|(size, name)| {
                let bound = name.filter(|name| {
                    matches!(self.local(name), Some(Val::Num(Num::Int(value))) if value == *size as i64)
                });
                bound.map_or(size.to_string(), |name| name.to_string())
            })
            .collect();
        format!("[{}]", sizes.join(", "))
    }

    /// The mend where the last layer of a body gives another size than the result is declared with.
    fn help_for_last_layer(
        &mut self,
        tensor: &TensorVal,
        (size, wanted): (usize, usize),
        body: Span,
    ) -> Option<String> {
        let text = self.sources.snippet(body);
        let inside = text.strip_prefix('{').unwrap_or(text);
        let inside = inside.strip_suffix('}').unwrap_or(inside);
        let opened = usize::from(text.starts_with('{'));
        let end = Span {
            start: body.start + opened as u32,
            end: body.start + (opened + inside.trim_end().len()) as u32,
            ..body
        };
        let stage = self.sources.snippet(self.last_stage(end));
        let inner = stage.strip_suffix(')')?;
        let layer = ["dense", "projection"].into_iter().find(|layer| {
            inner
                .strip_prefix(*layer)
                .is_some_and(|rest| rest.starts_with('('))
        })?;
        let declared = self.as_declared(tensor);
        Some(format!(
            "the last layer gives {size} numbers: write `{layer}({wanted})`, or declare `-> {declared}`"
        ))
    }

    /// The mend where a result keeps a last dimension of size 1, such as `dense(1)` gives.
    fn help_for_column(&self, dims: &[Dim]) -> String {
        let written = dims.iter().map(|dim| match dim {
            Dim::Expr(expr) => self.short(expr.span, "-1"),
            Dim::Rest(..) => "..".into(),
        });
        let written = written.collect::<Vec<String>>().join(", ");
        format!(
            "a last dimension of 1 remains: end the body with `|> reshape([{written}])`, or declare it, `-> [{written}, 1]`"
        )
    }

    /// The mend where a dimension has not the size that a declaration states as a number.
    pub(super) fn help_for_size(
        &mut self,
        what: &str,
        tensor: &TensorVal,
        (axis, size, wanted): (usize, usize, usize),
        ty: &TypeExpr,
        place: Span,
    ) -> String {
        use crate::syntax::ast::TypeKind;
        let shape = self.type_of(tensor).shape;
        let text = self.name_at(place);
        if let Some(help) = self.help_for_transposed(what, Some(wanted), size, place) {
            return help;
        }
        let TypeKind::Tensor(_, dims) = &ty.kind else {
            return "check the sizes on the way here".into();
        };
        let declared = declared(dims);
        let image = shape.len() == 4 && declared.len() == 4;
        let turned: Vec<usize> = match shape.as_slice() {
            [n, h, w, c] => vec![*n, *c, *h, *w],
            _ => Vec::new(),
        };
        if image && fits(&declared, &turned) {
            return format!(
                "channels come before height and width: `transpose({text}, [0, 3, 1, 2])`"
            );
        }
        if image && axis == 1 && size == 1 {
            let each = vec![text.as_str(); wanted.min(4)].join(", ");
            return format!(
                "declare the one channel, or repeat it for each of {wanted}: `concat({each}, over = 1)`"
            );
        }
        if what.starts_with("the result") {
            let last = (axis + 1 == shape.len())
                .then(|| self.help_for_last_layer(tensor, (size, wanted), place));
            return last.flatten().unwrap_or_else(|| {
                let declared = self.as_declared(tensor);
                format!(
                    "the body gives {declared}: declare `-> {declared}`, or change what it computes"
                )
            });
        }
        match what == "the value" {
            true => format!("declare {}, or change the value", self.as_declared(tensor)),
            false => format!("declare {size} instead of {wanted}, or give a tensor of that size"),
        }
    }
}

/// The order of dimensions in which a tensor of sizes `from` has the sizes `to`, where there is one and it is another.
fn order_of(to: &[usize], from: &[usize]) -> Option<Vec<usize>> {
    if to.len() != from.len() || to.len() < 2 || to == from {
        return None;
    }
    let mut order: Vec<usize> = Vec::with_capacity(to.len());
    for (at, size) in to.iter().enumerate() {
        // A dimension that stands in its place stays there.
        let stays = (from.get(at) == Some(size)).then_some(at);
        let free = |place: &usize| {
            !order.contains(place)
                && to.get(*place) != from.get(*place)
                && from.get(*place) == Some(size)
        };
        order.push(stays.or_else(|| (0..from.len()).find(free))?);
    }
    Some(order)
}

/// The mend where a target that is no label has not the sizes of the prediction, which came first.
fn help_for_target(prediction: &[usize], target: &[usize]) -> Option<String> {
    match (prediction, target) {
        ([rows @ .., a], [others @ .., b])
            if rows == others && !rows.is_empty() && *a > 1 && *b > 1 =>
        {
            Some(format!(
                "the model gives {a} numbers for each row and the target has {b}: end it with `dense({b})`"
            ))
        }
        ([a, rest @ ..], [b, others @ ..]) if rest == others && a > b && *b > 1 && a % b == 0 => {
            Some(format!(
                "there are {a} rows for {b} targets: a `reshape(x, [-1, ...])` before the model cuts examples apart; `flatten` keeps their number, as does `reshape(x, [{b}, -1])`"
            ))
        }
        ([a, rest @ ..], [b]) if a == b && !rest.is_empty() => Some(format!(
            "the model gives [{}] for each example and the target one number: end it with `|> flatten |> dense(1) |> reshape([{a}])`, or give a target of that shape",
            listed(rest)
        )),
        _ => None,
    }
}

/// The names and numbers of declared dimensions.
fn declared(dims: &[Dim]) -> Vec<(Option<Arc<str>>, Option<usize>)> {
    let one = |expr: &Expr| match &expr.kind {
        ExprKind::Name(name) => (Some(name.clone()), None),
        ExprKind::Int(i) => (None, usize::try_from(*i).ok()),
        _ => (None, None),
    };
    let all = dims.iter().map(|dim| match dim {
        Dim::Expr(expr) => one(expr),
        Dim::Rest(..) => (None, None),
    });
    all.collect()
}

/// The mend where a `train` gives the model rows or images without channels.
fn help_for_images_of_a_set(
    declared: &[(Option<Arc<str>>, Option<usize>)],
    shape: &[usize],
) -> String {
    let stated: Vec<usize> = declared.iter().filter_map(|(_, size)| *size).collect();
    let elements: usize = shape.iter().skip(1).product();
    let sizes = match (stated.len(), shape) {
        (3, _) if stated.iter().product::<usize>() == elements => listed(&stated),
        (_, [_, height, width]) => listed(&[1, *height, *width]),
        _ => "1, 28, 28".into(),
    };
    format!(
        "images are [n, channels, height, width]: give the examples that shape in the pipe of the data, `|> reshape({sizes})`"
    )
}

/// Whether sizes are those that the declaration states as numbers.
fn fits(declared: &[(Option<Arc<str>>, Option<usize>)], shape: &[usize]) -> bool {
    declared.len() == shape.len()
        && declared
            .iter()
            .zip(shape)
            .all(|((_, wanted), size)| wanted.is_none_or(|wanted| wanted == *size))
}

fn one_too_many(
    declared: &[(Option<Arc<str>>, Option<usize>)],
    shape: &[usize],
) -> Option<Vec<usize>> {
    let without = |at: usize| {
        let mut sizes = shape.to_vec();
        sizes.remove(at);
        sizes
    };
    let ones = (0..shape.len()).filter(|&at| shape[at] == 1);
    ones.map(without).find(|sizes| fits(declared, sizes))
}

/// The mend where one dimension is missing: the batch, the channels, the features or the steps, whichever the two sides tell.
fn help_for_a_missing_dimension(
    what: &str,
    declared: &[(Option<Arc<str>>, Option<usize>)],
    shape: &[usize],
    tensor: &TensorVal,
    text: &str,
) -> String {
    let name_of = |at: usize| tensor.dims.get(at).and_then(Option::as_deref);
    let declared_as = |at: usize| declared.get(at).and_then(|(name, _)| name.as_deref());
    let with_one = |at: usize| {
        let mut sizes = shape.to_vec();
        sizes.insert(at, 1);
        sizes
    };
    let batch_there = name_of(0).is_some() && name_of(0) == declared_as(0);
    let along_time = batch_there && declared.len() == 3 && declared_as(1) == Some("t");
    if along_time && name_of(1) != Some("t") {
        return format!(
            "`{}` goes along a dimension of steps, [n, t, d], and what it is given has none: put `last_over_time` or `mean_over_time` behind the last layer that goes along them",
            called(what)
        );
    }
    let first = usize::from(batch_there);
    let mut places: Vec<usize> = (first..=shape.len()).collect();
    if along_time {
        places.reverse();
    }
    let place = places.into_iter().find(|&at| fits(declared, &with_one(at)));
    match place {
        Some(0) => format!(
            "the first dimension counts the examples of a batch: for one alone write `reshape({text}, [1, {}])`",
            listed(shape)
        ),
        Some(at) if declared.len() == 4 && at == 1 => format!(
            "an image has a dimension for its channels: `reshape({text}, [{}])`",
            listed(&with_one(at))
        ),
        Some(at) => format!(
            "a dimension is missing, of size 1 where nothing else is meant: `reshape({text}, [{}])`",
            listed(&with_one(at))
        ),
        None => "reshape, or check what is passed".into(),
    }
}
