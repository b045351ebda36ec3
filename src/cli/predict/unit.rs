//! The unit of a target that the program scales: predictions are given in that of the file, as the target stands there.
use super::super::output::Output;
use crate::base::data::{DataOption, DataProvider, DataSet, DataSpec, Transform};
use crate::base::tensor::{Elements, Tensor};
use crate::data::FileProvider;
use std::sync::Arc;

/// The line `factor * x + shift` that turns a scaled number back.
type Line = (f64, f64);

/// Predictions in the unit of the file; where they cannot be turned back they stay as they are, and a note says so.
pub(super) fn of_the_file(
    values: Tensor,
    set: Option<&(DataSpec, Arc<DataSet>)>,
    output: &Output,
) -> Tensor {
    let Some((spec, data)) = set else {
        return values;
    };
    let Some(unscaled) = without_scaling(spec) else {
        return values;
    };
    match lines(&unscaled, data).and_then(|lines| turned_back(&values, &lines)) {
        Some(values) => values,
        None => {
            output
                .note("note: the program scales its target: predictions are in the scaled unit\n");
            values
        }
    }
}

/// The texts among the arguments of a transform.
fn texts(transform: &Transform) -> impl Iterator<Item = &str> {
    transform.arguments.iter().filter_map(|value| match value {
        DataOption::Text(text) => Some(text.as_str()),
        DataOption::Number(_) | DataOption::Flag(_) | DataOption::List(_) => None,
    })
}

/// The pipe without what maps its target to another unit; nothing where nothing does.
fn without_scaling(spec: &DataSpec) -> Option<DataSpec> {
    let targets = spec.transforms.iter().filter(|t| t.name == "target");
    let targets: Vec<&str> = targets.flat_map(texts).chain(["y"]).collect();
    let is_target = |value: &DataOption| matches!(value, DataOption::Text(text) if targets.contains(&text.as_str()));
    let mut left = spec.clone();
    left.transforms.clear();
    for transform in &spec.transforms {
        let scales = matches!(transform.name.as_str(), "standardize" | "scale");
        let mut kept = transform.clone();
        if scales {
            kept.arguments.retain(|value| !is_target(value));
        }
        // Without a name it would scale `x`.
        let only_the_target =
            kept.arguments.len() < transform.arguments.len() && texts(&kept).next().is_none();
        if !only_the_target {
            left.transforms.push(kept);
        }
    }
    (left.transforms != spec.transforms).then_some(left)
}

/// How each number of a row of the target is turned back, from its least and greatest value in a part of the data, as scaled and as it was.
fn lines(unscaled: &DataSpec, scaled: &DataSet) -> Option<Vec<Line>> {
    let plain = FileProvider::new().open(unscaled).ok()?;
    let (part, table) = scaled.parts.first()?;
    let (scaled, plain) = (table.field("y")?, plain.part(part)?.field("y")?.clone());
    if scaled.shape() != plain.shape() {
        return None;
    }
    let width: usize = scaled.shape().iter().skip(1).product();
    let (scaled, plain) = (scaled.to_f64(), plain.to_f64());
    let column = |at: usize| {
        let pairs = || scaled.iter().zip(&plain).skip(at).step_by(width);
        let least = pairs().min_by(|a, b| a.1.total_cmp(b.1))?;
        let greatest = pairs().max_by(|a, b| a.1.total_cmp(b.1))?;
        let (run, rise) = (greatest.0 - least.0, greatest.1 - least.1);
        // A column of one value has the deviation 1.
        let factor = if rise == 0.0 { 1.0 } else { rise / run };
        factor
            .is_finite()
            .then_some((factor, least.1 - factor * least.0))
    };
    (0..width).map(column).collect()
}

/// Predictions of as many numbers a row as the target has, turned back.
fn turned_back(values: &Tensor, lines: &[Line]) -> Option<Tensor> {
    let width: usize = values.shape().iter().skip(1).product();
    if width != lines.len() {
        return None;
    }
    let numbers = values.to_f64().into_iter().zip(lines.iter().cycle());
    let numbers = numbers.map(|(x, (factor, shift))| (factor * x + shift) as f32);
    Tensor::new(values.shape(), Elements::F32(numbers.collect()))
}
