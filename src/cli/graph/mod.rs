//! `dlmc graph FILE -o model.svg`: a picture of a model, or of what the compiler made of its step.
mod dot;
mod layers;
mod layout;
mod picture;
mod stages;
mod svg;

use super::model::of_graph;
use super::{Failure, Job};
use crate::check::program::{Program, SlotKind, StepGraph};
use crate::data::whole::replace;
use crate::session::Stage;
use crate::train::RunError;
use crate::train::compile::{self, CompileTimes};
use picture::Picture;
use std::path::Path;

/// Most boxes of a picture.
const MOST: usize = 4000;

/// What is asked for.
pub struct Request<'a> {
    /// The file; `-` for standard output.
    pub output: &'a Path,
    /// How many levels of layers in layers are opened.
    pub depth: Option<usize>,
    /// The stage of the compiler; the layers where there is none.
    pub stage: Option<Stage>,
}

/// A stage that has a graph.
///
/// # Errors
/// The names of those that have.
pub fn stage(name: &str) -> Result<Stage, String> {
    match Stage::parse(name)? {
        found @ (Stage::Tir | Stage::Grad | Stage::After(_) | Stage::Kernels) => Ok(found),
        Stage::Tokens | Stage::Ast | Stage::Typed | Stage::Memory | Stage::Clif | Stage::Asm => {
            Err("pictures are drawn of tir, grad, after:PASS and kernels".into())
        }
    }
}

/// Draws the picture.
pub fn graph(mut job: Job, request: &Request<'_>) -> Result<(), Failure> {
    let is_dot = match request.output.extension().and_then(|e| e.to_str()) {
        Some("dot" | "gv") => true,
        Some("svg") => false,
        None if request.output.as_os_str() == "-" => false,
        Some(_) | None => {
            job.output.say(&format!(
                "error: a picture is written as .svg or .dot, not to \"{}\"\nhelp: `-o model.svg`, or `-o -` for SVG on standard output\n",
                request.output.display()
            ));
            return Err(Failure::Usage);
        }
    };
    let (program, _) = job.checked()?;
    let made = match request.stage {
        None => Ok(layers::picture(&program, &job.sources, request.depth)),
        Some(stage) => of_stage(&program, stage, &job.settings.skip),
    };
    let picture = made.map_err(|error| {
        job.say(&error.diagnostic);
        Failure::Program
    })?;
    let boxes = count(&picture);
    let refused = match boxes {
        0 => Some("the program applies no layer, so there is nothing to draw\nhelp: `--stage tir` draws the operations of its step".to_string()),
        boxes if boxes > MOST => Some(format!("the picture would have {boxes} boxes, more than {MOST}\nhelp: a smaller `--depth`, or a later stage, draws less")),
        _ => None,
    };
    if let Some(why) = refused {
        job.output.say(&format!("error: {why}\n"));
        return Err(Failure::Program);
    }
    let text = match is_dot {
        true => dot::dot(&picture, &job.source.name),
        false => svg::svg(&picture, &job.source.name),
    };
    if request.output.as_os_str() == "-" {
        return job.output.line(text.trim_end_matches('\n'));
    }
    replace(request.output, &[text.as_bytes()]).map_err(|error| {
        job.output.say(&format!(
            "error: \"{}\" cannot be written: {error}\n",
            request.output.display()
        ));
        Failure::Usage
    })
}

fn count(picture: &Picture) -> usize {
    let inner = picture.items.iter().filter_map(|item| item.inner.as_ref());
    picture.items.len() + inner.map(count).sum::<usize>()
}

/// The graph that trains, and where several do the one with the most nodes, then the most operations; else the largest.
pub fn main_step(program: &Program) -> Option<&StepGraph> {
    let trains = |step: &StepGraph| {
        let mut kinds = step.outputs.iter().map(|&slot| program.slot(slot).kind);
        !step.inputs.is_empty() && kinds.any(|kind| kind == SlotKind::Parameter)
    };
    // The last batch of an epoch, which is smaller, has the same nodes.
    let size = |step: &StepGraph| (trains(step), step.graph.node_count());
    let steps = program.graphs.iter();
    steps.max_by(|a, b| {
        let work = || of_graph(&a.graph).total_cmp(&of_graph(&b.graph));
        size(a).cmp(&size(b)).then_with(work)
    })
}

fn of_stage(program: &Program, stage: Stage, skip: &[String]) -> Result<Picture, RunError> {
    let Some(step) = main_step(program) else {
        return Ok(Picture::default());
    };
    let names = step.outputs.iter().map(|&slot| {
        let slot = program.slot(slot);
        match slot.kind {
            SlotKind::Parameter | SlotKind::State | SlotKind::OptimizerState => {
                format!("new {}", slot.name)
            }
            _ => slot.name.clone(),
        }
    });
    let names: Vec<String> = names.collect();
    if stage == Stage::Tir {
        return Ok(stages::nodes(&step.graph, &names));
    }
    let mut after = None;
    let made = compile::stages(
        step,
        skip,
        &mut CompileTimes::default(),
        &mut |pass, graph| {
            if stage == Stage::After(pass) {
                after = Some(graph.clone());
            }
        },
    )?;
    Ok(match (stage, after) {
        (Stage::After(_), Some(graph)) => stages::nodes(&graph, &names),
        (Stage::Grad, _) => stages::nodes(&made.expanded, &names),
        (Stage::Kernels, _) => stages::kernels(&made.optimised, &made.schedule, &names),
        _ => stages::nodes(&made.optimised, &names),
    })
}
