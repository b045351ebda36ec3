//! Columns: the `=` of neighbouring declarations, and comments after code.
use super::Row;
use std::ops::Range;

/// How much the columns of `=` in a group may differ before alignment tears a short line apart.
const VALUE_SPREAD: usize = 16;
/// The same for the ends of lines with comments.
const COMMENT_SPREAD: usize = 40;
/// Blanks before a comment after code.
const COMMENT_GAP: usize = 2;

/// Puts the `=` of neighbouring lines of one kind in one column.
pub fn align_values(rows: &mut [Option<Row<'_>>]) {
    let columns: Vec<_> = rows
        .iter()
        .map(|row| {
            let row = row.as_ref()?;
            let value = row.value?;
            let column = row.code.get(..value.at)?.chars().count();
            Some(((row.indent, Some(value.kind)), column))
        })
        .collect();
    for (range, column) in groups(&columns, VALUE_SPREAD) {
        let members = rows.get_mut(range.clone()).unwrap_or_default();
        let known = columns.get(range).unwrap_or_default();
        for (row, known) in members.iter_mut().zip(known) {
            if let (Some(row), Some((_, own))) = (row, known)
                && let Some(value) = row.value
            {
                row.code.insert_str(value.at, &" ".repeat(column - own));
            }
        }
    }
}

/// The blanks between the code and the comment of each line.
pub fn align_comments(rows: &[Option<Row<'_>>]) -> Vec<usize> {
    let ends: Vec<_> = rows
        .iter()
        .map(|row| {
            let row = row.as_ref()?;
            row.comment?;
            (!row.code.is_empty()).then(|| (row.indent, row.code.chars().count()))
        })
        .collect();
    let mut gaps = vec![0; rows.len()];
    for (range, column) in groups(&ends, COMMENT_SPREAD) {
        let known = ends.get(range.clone()).unwrap_or_default();
        let places = gaps.get_mut(range).unwrap_or_default();
        for (gap, end) in places.iter_mut().zip(known) {
            if let Some((_, own)) = end {
                *gap = column - own + COMMENT_GAP;
            }
        }
    }
    gaps
}

/// Neighbouring lines of one key whose columns differ by at most `spread`, each group with its largest column.
fn groups<K: PartialEq>(
    columns: &[Option<(K, usize)>],
    spread: usize,
) -> Vec<(Range<usize>, usize)> {
    let mut groups: Vec<(Range<usize>, usize)> = Vec::new();
    let mut key = None;
    let mut least = 0;
    for (at, column) in columns.iter().enumerate() {
        let Some((own, column)) = column else {
            key = None;
            continue;
        };
        match groups.last_mut() {
            Some((range, most))
                if key == Some(own) && (*most).max(*column) - least.min(*column) <= spread =>
            {
                range.end = at + 1;
                *most = (*most).max(*column);
                least = least.min(*column);
            }
            Some(_) | None => {
                groups.push((at..at + 1, *column));
                least = *column;
            }
        }
        key = Some(own);
    }
    groups
}
