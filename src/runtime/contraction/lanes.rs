//! How lanes are grouped into vectors, in place and packed.
use super::cost::Layout;
use super::plan::Oriented;
use super::tile::Vector;

/// The runs of lanes that lie side by side.
pub(super) fn runs(lanes: &[i32]) -> impl Iterator<Item = &[i32]> {
    lanes.chunk_by(|x, y| i64::from(*x) + 1 == i64::from(*y))
}

pub(super) fn contiguous(c_lanes: &[i32]) -> bool {
    c_lanes
        .windows(2)
        .all(|pair| i64::from(pair[0]) + 1 == i64::from(pair[1]))
}

/// Vectors over the operand in place: each run in whole vectors and a part. A part whose full load would leave the
/// operand is shifted back; `None` if that leaves it too (the operand is too small, or empty).
/// With `overlap`, a part at the end of a longer run is a whole vector over lanes that the one before it has too:
/// the same bits are computed and stored twice, which is cheaper than a partial store.
pub(super) fn vectors_in_place(
    oriented: &Oriented<'_>,
    lanes: usize,
    overlap: bool,
) -> Option<Vec<Vector>> {
    let extreme = |table: &[i32]| {
        Some((
            i64::from(*table.iter().min()?),
            i64::from(*table.iter().max()?),
        ))
    };
    let (Some((first, last)), Some((k_first, k_last))) =
        (extreme(oriented.lanes), extreme(oriented.lane_k))
    else {
        return None;
    };
    let (least, greatest) = (first + k_first, last + k_last);
    let mut vectors = Vec::new();
    let mut lane = 0_usize;
    for run in runs(oriented.lanes) {
        let end = lane + run.len();
        for part in run.chunks(lanes) {
            if part.len() < lanes
                && overlap
                && run.len() > lanes
                && contiguous(&oriented.c_lanes[end - lanes..end])
            {
                vectors.push(Vector {
                    source: run[run.len() - lanes],
                    lane: (end - lanes) as u32,
                    skip: 0,
                    count: lanes as u8,
                    contiguous: true,
                });
                lane = end;
                continue;
            }
            let wanted = i64::from(part[0]);
            let beyond = (wanted + lanes as i64 - 1 + k_last - greatest).max(0);
            let source = wanted - beyond;
            if source + k_first < least || beyond as usize + part.len() > lanes {
                return None;
            }
            vectors.push(Vector {
                source: i32::try_from(source).ok()?,
                lane: lane as u32,
                skip: beyond as u8,
                count: part.len() as u8,
                contiguous: contiguous(&oriented.c_lanes[lane..lane + part.len()]),
            });
            lane += part.len();
        }
    }
    Some(vectors)
}

/// Vectors over packed panels: lanes in order, the last vector partly wanted or overlapping the one before it. Sources
/// are set when panels are cut.
pub(super) fn vectors_packed(c_lanes: &[i32], lanes: usize, overlap: bool) -> Vec<Vector> {
    let starts = (0..c_lanes.len()).step_by(lanes);
    starts
        .map(|start| {
            let back = c_lanes.len().saturating_sub(lanes);
            let start = if overlap && contiguous(&c_lanes[back..]) {
                start.min(back)
            } else {
                start
            };
            let part = &c_lanes[start..c_lanes.len().min(start + lanes)];
            Vector {
                source: 0,
                lane: start as u32,
                skip: 0,
                count: part.len() as u8,
                contiguous: contiguous(part),
            }
        })
        .collect()
}

/// How a panel of `lanes` beside `sums` lies.
pub(super) fn layout(lanes: &[i32], sums: &[i32], width: usize) -> Layout {
    let lane_runs = runs(lanes).count().max(1);
    let sum_runs = runs(sums).count().max(1);
    if lanes.len() / lane_runs >= width {
        Layout::Lanes
    } else if sums.len() / sum_runs >= width {
        Layout::Sums
    } else {
        Layout::Scattered
    }
}
