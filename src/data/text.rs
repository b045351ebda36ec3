//! The text reader: a file as a row of characters, and the vocabulary at the end of the pipe.
use super::arguments::Arguments;
use super::files::Files;
use super::frame::{Frame, Kind, TextFacts};
use super::{fault, fault_help};
use crate::base::data::DataError;
use crate::base::tensor::{Elements, Tensor};
use std::collections::{BTreeSet, HashMap};

/// Reads one file, or a training and a test file, as code points.
pub(super) fn read(
    files: &Files<'_>,
    paths: &[String],
    arguments: &Arguments<'_>,
) -> Result<Frame, DataError> {
    let path = paths.first().map(String::as_str).unwrap_or_default();
    let mut facts = TextFacts {
        unknown: arguments.character("unknown")?,
        first: HashMap::new(),
    };
    let mut points = all_points(files, path, &mut facts)?;
    let mut test_start = None;
    if let Some(test) = arguments.text("test")? {
        test_start = Some(points.len());
        points.extend(all_points(files, test, &mut facts)?);
    }
    let mut frame = Frame::new(path.to_string(), points.len(), test_start)?;
    let tokens = Tensor::new([points.len()], Elements::I32(points))
        .ok_or_else(|| fault("a text's sizes disagree"))?;
    frame.fields.push(("tokens".to_string(), tokens));
    frame.kind = Kind::Text(facts);
    Ok(frame)
}

/// Those of all files that a path names.
fn all_points(files: &Files<'_>, path: &str, facts: &mut TextFacts) -> Result<Vec<i32>, DataError> {
    let mut points = Vec::new();
    for path in files.expand(path)? {
        points.extend(code_points(files, &path, facts)?);
    }
    Ok(points)
}

fn code_points(
    files: &Files<'_>,
    path: &str,
    facts: &mut TextFacts,
) -> Result<Vec<i32>, DataError> {
    let text = files.text(path)?;
    if text.is_empty() {
        return Err(fault(format!(
            "{path}: the data set is empty: the file holds no character"
        )));
    }
    files.allow(&[text.len()], 4, path)?;
    let mut line = 1;
    let mut points = Vec::with_capacity(text.len());
    for character in text.chars() {
        facts
            .first
            .entry(character)
            .or_insert_with(|| (path.to_string(), line));
        line += usize::from(character == '\n');
        points.push(character as i32);
    }
    Ok(points)
}

/// Turns code points into tokens. The vocabulary is the characters of the training part, in the order of their
/// code points, and the `unknown` character.
pub(super) fn encode(frame: &mut Frame) -> Result<Vec<char>, DataError> {
    let Kind::Text(facts) = frame.kind.clone() else {
        return Ok(Vec::new());
    };
    let training = frame.training_rows();
    let mut seen: BTreeSet<i32> = facts
        .unknown
        .iter()
        .map(|&unknown| unknown as i32)
        .collect();
    for (_, tensor) in &frame.fields {
        let points = tensor.as_i32().unwrap_or_default();
        for row in rows_of(tensor, points, &training) {
            seen.extend(row);
        }
    }
    let tokens: HashMap<i32, i32> = seen.iter().copied().zip(0..).collect();
    let unknown = facts
        .unknown
        .and_then(|unknown| tokens.get(&(unknown as i32)).copied());
    for part in 0..frame.parts.len() {
        check_seen(frame, part, &tokens, unknown, &facts)?;
    }
    for (_, tensor) in &mut frame.fields {
        if let Elements::I32(points) = tensor.elements_mut() {
            for point in points {
                *point = tokens.get(point).copied().or(unknown).unwrap_or(0);
            }
        }
    }
    Ok(seen
        .into_iter()
        .filter_map(|point| u32::try_from(point).ok().and_then(char::from_u32))
        .collect())
}

fn rows_of<'a>(
    tensor: &Tensor,
    points: &'a [i32],
    rows: &'a [u32],
) -> impl Iterator<Item = &'a [i32]> {
    let width: usize = tensor.shape().iter().skip(1).product();
    rows.iter()
        .filter_map(move |&row| points.get(row as usize * width..(row as usize + 1) * width))
}

fn check_seen(
    frame: &Frame,
    part: usize,
    tokens: &HashMap<i32, i32>,
    unknown: Option<i32>,
    facts: &TextFacts,
) -> Result<(), DataError> {
    let Some((name, rows)) = frame.parts.get(part).filter(|_| unknown.is_none()) else {
        return Ok(());
    };
    for (_, tensor) in &frame.fields {
        let points = tensor.as_i32().unwrap_or_default();
        let mut unseen = rows_of(tensor, points, rows)
            .flatten()
            .filter(|point| !tokens.contains_key(point));
        if let Some(&point) = unseen.next() {
            let character = u32::try_from(point)
                .ok()
                .and_then(char::from_u32)
                .unwrap_or('\u{fffd}');
            let (file, line) = facts.first.get(&character).cloned().unwrap_or_default();
            let message = format!(
                "{file}, line {line}: the character {character:?} is in part `{name}` but not in the training part"
            );
            return Err(fault_help(
                message,
                "write text(..., unknown = \"?\") to read such characters as `?`",
            ));
        }
    }
    Ok(())
}
