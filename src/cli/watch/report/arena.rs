//! The memory plan of a graph as a picture: each buffer a rectangle, from its first step to its last, at its place in the arena.
use super::escape;
use crate::cli::run::bytes;
use crate::kir::schedule::{BufferInfo, Schedule};
use std::fmt::Write;

/// Most buffers that are drawn, the largest.
const MOST: usize = 3000;

/// The picture with its explanation; nothing for a graph without an arena.
pub fn html(schedule: &Schedule) -> String {
    let steps = schedule
        .buffers
        .iter()
        .map(|buffer| buffer.life.1 + 1)
        .max();
    let (Some(steps), arena) = (steps, schedule.arena_bytes) else {
        return String::new();
    };
    if arena == 0 {
        return String::new();
    }
    let mut buffers: Vec<&BufferInfo> = schedule.buffers.iter().collect();
    buffers.sort_by_key(|buffer| std::cmp::Reverse(buffer.bytes));
    let left_out = buffers.len().saturating_sub(MOST);
    buffers.truncate(MOST);
    let sum: usize = schedule.buffers.iter().map(|buffer| buffer.bytes).sum();
    let mut out = format!(
        "<div class=\"ends\"><span>{} at the top</span><span>{} buffers</span></div>\n<div class=\"arena\"><svg viewBox=\"0 0 {steps} 1000\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"memory plan\">\n",
        bytes(arena),
        schedule.buffers.len()
    );
    for buffer in buffers {
        rectangle(buffer, steps, arena, &mut out);
    }
    out += "</svg></div>\n";
    let _ = write!(
        out,
        "<div class=\"ends\"><span>step 1</span><span>step {steps}</span></div>\n<p class=\"quiet\">Across: the steps of the schedule. Upwards: bytes of the arena. Orange buffers live for a quarter of the steps or more: mostly what the forward pass keeps for the gradients. The plan takes {}; no plan can take less than {}, and without sharing it would be {}.",
        bytes(arena),
        bytes(schedule.live_bound),
        bytes(sum)
    );
    if left_out > 0 {
        let _ = write!(out, " {left_out} small buffers are not drawn.");
    }
    out + "</p>\n"
}

fn rectangle(buffer: &BufferInfo, steps: usize, arena: usize, out: &mut String) {
    let unit = 1000.0 / arena as f64;
    let (first, last) = buffer.life;
    let length = last + 1 - first;
    // The picture's rows count from the top, the arena's bytes from the bottom.
    let y = 1000.0 - (buffer.offset + buffer.bytes) as f64 * unit;
    let colour = if 4 * length >= steps { "--c1" } else { "--c0" };
    let mut name: String = buffer.name.chars().take(80).collect();
    if name.len() < buffer.name.len() {
        name += "...";
    }
    let _ = writeln!(
        out,
        "<rect x=\"{first}\" y=\"{y:.2}\" width=\"{length}\" height=\"{:.2}\" style=\"fill:var({colour})\"><title>{}: {}, steps {} to {}</title></rect>",
        buffer.bytes as f64 * unit,
        escape(&name),
        bytes(buffer.bytes),
        first + 1,
        last + 1
    );
}
