//! A model applied to sequences, each as long as it is.
use super::{ROWS, engine_failure, model_failure, refuse};
use crate::base::data::DataSet;
use crate::base::tensor::{Elements, Tensor};
use crate::cli::Failure;
use crate::cli::output::Output;
use crate::data::input::Series;
use crate::engine::{Model, Trainer};
use std::collections::BTreeMap;

/// What the layer gives for each sequence. Where it takes a `mask`, sequences of one length are done together, and nothing is padded;
/// else all are as long as those that it was trained with, with zeros behind their ends.
pub(super) fn applied(
    trainer: &Trainer,
    layer: &str,
    series: &Series,
    data: &DataSet,
    output: &Output,
) -> Result<Tensor, Failure> {
    let width = series.rows.shape().get(2).copied().unwrap_or(0);
    let masked = trainer.model_of_sequences(layer, &[1, 1, width]).is_ok();
    let trained = longest(data);
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, &length) in series.lengths.iter().enumerate() {
        let steps = if masked { length } else { trained.max(length) };
        if !masked && length > trained {
            let name = series.names.get(at).map_or("", String::as_str);
            let text = format!(
                "the sequence {name} has {length} steps, and those that the model learned from at most {trained}"
            );
            let help = "a layer that takes a `mask` is applied to sequences of any length";
            return Err(refuse(output, &text, Some(help), Failure::Program));
        }
        groups.entry(steps).or_default().push(at);
    }
    let mut found: Vec<Vec<f32>> = vec![Vec::new(); series.lengths.len()];
    let mut inner: Vec<usize> = Vec::new();
    for (steps, members) in &groups {
        for part in members.chunks(ROWS) {
            let sizes = [part.len(), *steps, width];
            let model = match masked {
                true => trainer.model_of_sequences(layer, &sizes),
                false => trainer.model(layer, &sizes),
            };
            let model = model.map_err(|error| model_failure(output, layer, &sizes[1..], &error))?;
            one_answer_each(layer, &model, part.len(), &mut inner, output)?;
            let mut values = vec![0.0; model.output_shape().iter().product()];
            model
                .predict(&numbers(series, part, *steps), &mut values)
                .map_err(|error| engine_failure(output, &error))?;
            let each = values.len() / part.len().max(1);
            for (&at, row) in part.iter().zip(values.chunks(each.max(1))) {
                if let Some(place) = found.get_mut(at) {
                    *place = row.to_vec();
                }
            }
        }
    }
    let shape: Vec<usize> = std::iter::once(found.len()).chain(inner).collect();
    Tensor::new(shape, Elements::F32(found.concat()))
        .ok_or_else(|| refuse(output, "the model's sizes disagree", None, Failure::Program))
}

/// The most steps of the sequences that the program learns from.
fn longest(data: &DataSet) -> usize {
    let fields = data.parts.iter().filter_map(|(_, table)| table.field("x"));
    let steps = fields.map(|x| x.shape().get(1).copied().unwrap_or(0));
    steps.max().unwrap_or(0)
}

/// Refuses a model that answers each step: sequences of other lengths would have other answers.
fn one_answer_each(
    layer: &str,
    model: &Model,
    rows: usize,
    inner: &mut Vec<usize>,
    output: &Output,
) -> Result<(), Failure> {
    let sizes = model.output_shape().get(1..).unwrap_or_default().to_vec();
    if model.output_shape().first() != Some(&rows) || (!inner.is_empty() && *inner != sizes) {
        let text = format!("`{layer}` does not give one answer of one size for each sequence");
        let help = "give `--raw` and an array, .npy, of sequences of one length";
        return Err(refuse(output, &text, Some(help), Failure::Program));
    }
    *inner = sizes;
    Ok(())
}

/// The numbers of some sequences, the first `steps` of each.
fn numbers(series: &Series, part: &[usize], steps: usize) -> Vec<f32> {
    let values = series.rows.as_f32().unwrap_or_default();
    let (longest, width) = match series.rows.shape() {
        [_, longest, width] => (*longest, *width),
        _ => (0, 0),
    };
    let mut numbers = Vec::with_capacity(part.len() * steps * width);
    for &at in part {
        let start = at * longest * width;
        let kept = steps.min(longest) * width;
        numbers.extend(values.get(start..start + kept).unwrap_or_default());
        numbers.resize(numbers.len() + (steps * width - kept), 0.0);
    }
    numbers
}
