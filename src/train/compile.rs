//! Compiles the graphs of a program, all of them before the first step.
//!
//! Equal graphs are compiled once, and kernels whose loop nests agree are shared between all graphs of the program.
use super::error::{RunError, TOO_LARGE};
use crate::base::source::Span;
use crate::base::types::Type;
use crate::check::program::{Instr, Program, SlotId, StepGraph};
use crate::jit;
use crate::kir::Kernel;
use crate::kir::schedule::{MOST_ARGUMENTS, Schedule, Step};
use crate::lower::{BUNDLE, Small, TILES, bundle};
use crate::pass;
use crate::runtime::contraction::{ContractionError, Cpu, Isa};
use crate::runtime::execute::MOST_LOOPS;
use crate::runtime::steps::depth;
use crate::runtime::{Call, CallSpace, Executable, KernelFunction, Planner, Plans, Turns};
use crate::tir::{Graph, Node};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Machine code of kernels, in the order in which they were given, and what keeps it alive.
type KernelCode = (Vec<KernelFunction>, Arc<dyn Any + Send + Sync>);

/// How graphs become code.
#[derive(Clone)]
pub struct CompileOptions {
    /// Passes left out.
    pub skip: Vec<String>,
    /// What the processor can do.
    pub cpu: Cpu,
    /// Threads of the pool in which steps will run.
    pub threads: usize,
}

/// A graph on its way through the compiler, for listings.
#[derive(Debug, Clone)]
pub struct Stages {
    /// With gradients.
    pub expanded: Graph,
    /// After the last pass.
    pub optimised: Graph,
    /// Kernels and memory.
    pub schedule: Schedule,
}

/// Where the time of compilation went; times of parallel work are sums over threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompileTimes {
    /// Gradients.
    pub grad: Duration,
    /// Passes.
    pub passes: Duration,
    /// Kernels and the memory plan.
    pub lower: Duration,
    /// Machine code.
    pub jit: Duration,
    /// How products are computed: tiles, packing, tables of offsets.
    pub plan: Duration,
    /// Everything, as a clock on the wall shows it.
    pub total: Duration,
}

/// The graphs of a program as native code.
pub struct Compiled {
    /// One call for each graph of the program.
    pub calls: Vec<Call>,
    /// How many different graphs were compiled.
    pub distinct_graphs: usize,
    /// How many different kernels were compiled.
    pub kernels: usize,
    /// How many loops of steps are one function.
    pub loops: usize,
    /// Where the time went.
    pub times: CompileTimes,
    /// How they were compiled.
    pub options: CompileOptions,
}

impl Compiled {
    /// Memory for one run at a time of any graph.
    pub fn space(&self) -> CallSpace {
        CallSpace::for_calls(&self.calls)
    }

    /// Bytes of the offset tables of all products, and of the most that a run packs and keeps beside the arena.
    pub fn product_bytes(&self) -> usize {
        let executables = || self.calls.iter().map(|call| call.executable());
        let mut seen = FxHashSet::default();
        let tables: usize = executables()
            .flat_map(|executable| executable.plans())
            .filter(|plan| seen.insert(Arc::as_ptr(plan)))
            .map(|plan| plan.table_bytes())
            .sum();
        let beside = |executable: &Arc<Executable>| {
            executable.workspace_bytes() - executable.schedule().arena_bytes
        };
        let packed = executables().map(beside).max();
        tables + packed.unwrap_or(0)
    }

    /// Bytes of the largest arena, and the least that any plan could need for that graph.
    pub fn arena(&self) -> (usize, usize) {
        self.calls
            .iter()
            .map(|call| call.executable().schedule())
            .map(|schedule| (schedule.arena_bytes, schedule.live_bound))
            .max()
            .unwrap_or((0, 0))
    }
}

/// For each output, the input whose slot it updates.
pub fn aliases(step: &StepGraph) -> Vec<Option<u32>> {
    step.outputs
        .iter()
        .map(|output| {
            let input = step.inputs.iter().position(|input| input == output);
            input.map(|input| input as u32)
        })
        .collect()
}

/// Takes a graph to its schedule. `watch` sees it after each pass.
///
/// # Errors
/// A fault of the compiler, with the stage that noticed it.
pub fn stages(
    step: &StepGraph,
    skip: &[String],
    times: &mut CompileTimes,
    watch: pass::Watch<'_>,
) -> Result<Stages, RunError> {
    let fault = |stage: &'static str| {
        move |why: String| {
            RunError::fault(
                stage,
                step.origin,
                format!("{why} (graph \"{}\")", step.name),
            )
        }
    };
    let start = Instant::now();
    let expanded = crate::grad::expand(&step.graph).map_err(|why| {
        if why == crate::grad::TOO_LARGE {
            return RunError::new(TOO_LARGE, step.origin, why).help(
                "each order of `grad` multiplies the operations: take fewer orders at a time",
            );
        }
        if why == crate::grad::TOO_MANY_TERMS {
            return RunError::new(TOO_LARGE, step.origin, why)
                .help("take the maximum of parts first, and then of their maxima");
        }
        fault("grad")(why)
    })?;
    times.grad += start.elapsed();
    let start = Instant::now();
    let optimised = pass::optimise(&expanded, skip, watch).map_err(fault("pass"))?;
    times.passes += start.elapsed();
    let start = Instant::now();
    let small = Small {
        tiles: !skip.iter().any(|pass| pass == TILES),
    };
    let schedule =
        crate::lower::lower(&optimised, &aliases(step), small).map_err(fault("lower"))?;
    times.lower += start.elapsed();
    Ok(Stages {
        expanded,
        optimised,
        schedule,
    })
}

fn jit_options(cpu: Cpu) -> jit::Options {
    jit::Options {
        baseline: cpu.is_baseline(),
        narrow: cpu.isa() != Isa::Avx512,
        ..jit::Options::default()
    }
}

fn machine_code(kernels: &[Kernel], cpu: Cpu) -> Result<KernelCode, String> {
    let compiled = jit::compile(kernels, jit_options(cpu)).map_err(|error| error.to_string())?;
    let functions = compiled.kernels.iter().map(jit::CompiledKernel::function);
    Ok((functions.collect(), Arc::new(compiled)))
}

/// Compiles every graph of a program, in the current rayon pool.
///
/// # Errors
/// A fault of the compiler.
pub fn compile(program: &Program, options: &CompileOptions) -> Result<Compiled, RunError> {
    let start = Instant::now();
    let (distinct, which) = distinct_graphs(program);
    let made: Vec<(Schedule, CompileTimes)> = distinct
        .par_iter()
        .map(|step| {
            let mut times = CompileTimes::default();
            let stages = stages(step, &options.skip, &mut times, &mut |_, _| {})?;
            within_the_machine(step, &stages.schedule)?;
            let schedule = match options.skip.iter().any(|pass| pass == BUNDLE) {
                true => stages.schedule,
                false => bundle(stages.schedule),
            };
            Ok((schedule, times))
        })
        .collect::<Result<_, RunError>>()?;
    let mut times = CompileTimes::default();
    for (_, part) in &made {
        times.grad += part.grad;
        times.passes += part.passes;
        times.lower += part.lower;
    }
    let schedules: Vec<Schedule> = made.into_iter().map(|(schedule, _)| schedule).collect();
    let (kernels, numbers) = shared_kernels(&schedules);
    let mut planner = Planner::new(&options.cpu);
    let ((code, jit), (plans, plan)) = rayon::join(
        || timed(|| machine_code(&kernels, options.cpu)),
        || {
            timed(|| {
                let steps = schedules.iter().zip(&distinct);
                let plans = steps.map(|(schedule, step)| {
                    let plans = planner.plans(schedule);
                    plans.map_err(|why| unplanned(&why, step))
                });
                plans.collect::<Result<Vec<Plans>, RunError>>()
            })
        },
    );
    (times.jit, times.plan) = (jit, plan);
    let (functions, keeper) = code.map_err(|why| RunError::fault("jit", Span::default(), why))?;
    let plans = plans?;
    let mut executables = Vec::new();
    for ((schedule, numbers), plans) in schedules.into_iter().zip(numbers).zip(plans) {
        let functions = numbers
            .iter()
            .filter_map(|&number| functions.get(number).copied())
            .collect();
        let executable =
            Executable::new(schedule, functions, keeper.clone(), plans, options.threads)
                .map_err(|why| RunError::fault("runtime", Span::default(), why))?;
        executables.push(Arc::new(executable));
    }
    let mut calls = program
        .graphs
        .iter()
        .zip(&which)
        .map(|(step, &which)| bind(program, step, executables[which].clone()))
        .collect::<Result<Vec<Call>, RunError>>()?;
    let mut loops = 0;
    if !options.skip.iter().any(|pass| pass == TURNS) {
        loops = loop_natively(program, options.cpu, &mut calls)?;
    }
    times.total = start.elapsed();
    Ok(Compiled {
        calls,
        distinct_graphs: executables.len(),
        kernels: kernels.len(),
        loops,
        times,
        options: options.clone(),
    })
}

/// Refuses a step with a kernel of more tensors, or with more scans within each other, than a run has places for.
fn within_the_machine(step: &StepGraph, schedule: &Schedule) -> Result<(), RunError> {
    if let Some((count, origin)) = crowded(schedule, &schedule.steps) {
        let message = format!(
            "an expression of {count} tensors, its result counted; {MOST_ARGUMENTS} are possible"
        );
        return Err(RunError::new(TOO_LARGE, origin, message)
            .help("name parts of it, `let part[i] = ...`, and make the whole of those"));
    }
    if depth(&schedule.steps) > MOST_LOOPS {
        let origin = inner_scan(&step.graph, MOST_LOOPS).unwrap_or(step.origin);
        let message = format!(
            "this scan has more than {} others around it",
            MOST_LOOPS - 1
        );
        return Err(RunError::new(TOO_LARGE, origin, message).help(
            "join scans that walk the same way, or walk two ways at once with a range of their product",
        ));
    }
    Ok(())
}

/// The first kernel that has too many tensors: how many, and where it is from.
fn crowded(schedule: &Schedule, steps: &[Step]) -> Option<(usize, Span)> {
    steps.iter().find_map(|step| match step {
        Step::Kernel { kernel, origin, .. } => {
            let count = schedule.kernels[*kernel].buffers.len();
            (count > MOST_ARGUMENTS).then_some((count, *origin))
        }
        Step::Group { members, .. } => crowded(schedule, members),
        Step::Loop { body, .. } => crowded(schedule, body),
        Step::Product { .. } | Step::Zero { .. } | Step::Copy { .. } | Step::Turn { .. } => None,
    })
}

/// The first scan that has so many around it.
fn inner_scan(graph: &Graph, around: usize) -> Option<Span> {
    graph.nodes().find_map(|(_, data)| match &data.node {
        Node::Scan(_) if around == 0 => Some(data.origin),
        Node::Scan(scan) => inner_scan(&scan.body, around - 1),
        _ => None,
    })
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// Why a product of a step has no plan.
fn unplanned(why: &ContractionError, step: &StepGraph) -> RunError {
    match why {
        ContractionError::TooLarge(_) => {
            let message = "a product of this step spans more than 2^31 elements of a matrix";
            RunError::new(TOO_LARGE, step.origin, message).help(
                "multiply fewer rows at a time: use smaller batches, or cut a matrix with `split`",
            )
        }
        ContractionError::Type(_) | ContractionError::Stride { .. } => {
            RunError::fault("runtime", step.origin, why)
        }
    }
}

/// The graphs that differ, and for each graph of the program which of them it is.
fn distinct_graphs(program: &Program) -> (Vec<&StepGraph>, Vec<usize>) {
    let mut distinct: Vec<(&StepGraph, Vec<Option<u32>>)> = Vec::new();
    let which = program
        .graphs
        .iter()
        .map(|step| {
            let aliases = aliases(step);
            let found = distinct
                .iter()
                .position(|(other, theirs)| *theirs == aliases && other.graph == step.graph);
            found.unwrap_or_else(|| {
                distinct.push((step, aliases));
                distinct.len() - 1
            })
        })
        .collect();
    (distinct.into_iter().map(|(step, _)| step).collect(), which)
}

/// The kernels that differ in more than their name, and for each schedule the number of each of its kernels.
fn shared_kernels(schedules: &[Schedule]) -> (Vec<Kernel>, Vec<Vec<usize>>) {
    let mut kernels = Vec::new();
    let mut known: FxHashMap<String, usize> = FxHashMap::default();
    let numbers = schedules
        .iter()
        .map(|schedule| {
            schedule
                .kernels
                .iter()
                .map(|kernel| {
                    let key = format!("{:?}{:?}{:?}", kernel.buffers, kernel.outer, kernel.nests);
                    *known.entry(key).or_insert_with(|| {
                        kernels.push(kernel.clone());
                        kernels.len() - 1
                    })
                })
                .collect()
        })
        .collect();
    (kernels, numbers)
}

/// The name by which native loops of small graphs are left out, like a pass.
pub const TURNS: &str = "turns";

/// Gives the graphs that are repeated with nothing between a native loop, where they are small; says how many.
fn loop_natively(program: &Program, cpu: Cpu, calls: &mut [Call]) -> Result<usize, RunError> {
    let mut loops = 0;
    for instr in &program.code {
        let Instr::RunTimes { graph, times, turn } = instr else {
            continue;
        };
        let (Some(step), Some(call)) = (program.graphs.get(*graph), calls.get_mut(*graph)) else {
            continue;
        };
        let types = |slots: &[SlotId]| -> Vec<Type> {
            let types = slots.iter().map(|&slot| program.slot(slot).ty.clone());
            types.collect()
        };
        let losses: Vec<SlotId> = step.objectives.iter().filter_map(|o| o.slot).collect();
        let outputs = (0..).zip(&step.outputs);
        let watched = outputs.filter(|(_, slot)| losses.contains(slot));
        let number = step.inputs.iter().position(|input| input == turn);
        // The number of a turn is an `i32` there.
        if step.outputs.contains(turn) || (number.is_some() && *times > i32::MAX as u64) {
            continue;
        }
        let repeated = jit::Repeated {
            schedule: call.executable().schedule(),
            inputs: &types(&step.inputs),
            outputs: &types(&step.outputs),
            aliases: &aliases(step),
            turn: number.map(|number| number as u32),
            watched: &watched.map(|(at, _)| at).collect::<Vec<u32>>(),
        };
        let made = jit::compile_turns(&repeated, jit_options(cpu))
            .map_err(|why| RunError::fault("jit", step.origin, why))?;
        if let Some(made) = made {
            let turns = Turns {
                function: made.function,
                code: Arc::new(made),
            };
            *call = call.clone().with_turns(turns);
            loops += 1;
        }
    }
    Ok(loops)
}

fn bind(
    program: &Program,
    step: &StepGraph,
    executable: Arc<Executable>,
) -> Result<Call, RunError> {
    let fault = |why: String| {
        RunError::fault(
            "check",
            step.origin,
            format!("{why} (graph \"{}\")", step.name),
        )
    };
    let graph = &step.graph;
    let types = graph
        .inputs
        .iter()
        .map(|input| &input.ty)
        .chain(graph.outputs.iter().map(|&value| graph.ty(value)));
    let slots = step.inputs.iter().chain(&step.outputs);
    if graph.inputs.len() != step.inputs.len() || graph.outputs.len() != step.outputs.len() {
        return Err(fault(
            "a graph has other inputs or outputs than slots".into(),
        ));
    }
    for (ty, &slot) in types.zip(slots) {
        match program.slots.get(slot.0 as usize) {
            Some(data) if data.ty == *ty => {}
            Some(data) => {
                return Err(fault(format!(
                    "slot {slot} \"{}\" is {} and serves as {ty}",
                    data.name, data.ty
                )));
            }
            None => return Err(fault(format!("there is no slot {slot}"))),
        }
    }
    if let Some(output) = step
        .outputs
        .iter()
        .find(|output| program.slot(**output).field.is_some())
    {
        return Err(fault(format!(
            "slot {output} is a field of a data set and is written"
        )));
    }
    let sized = |slots: &[crate::check::program::SlotId]| {
        slots
            .iter()
            .map(|&slot| (slot.0 as usize, program.slot(slot).ty.bytes()))
            .collect()
    };
    Call::new(
        executable,
        sized(&step.inputs),
        sized(&step.outputs),
        &aliases(step),
    )
    .map_err(fault)
}

/// Name and text of each kernel: Cranelift's IR, or machine code.
///
/// # Errors
/// A fault of the compiler.
pub fn kernel_text(
    kernels: &[Kernel],
    assembly: bool,
    cpu: Cpu,
) -> Result<Vec<(String, String)>, RunError> {
    let options = jit::Options {
        keep_text: true,
        ..jit_options(cpu)
    };
    let compiled = jit::compile(kernels, options)
        .map_err(|why| RunError::fault("jit", Span::default(), why))?;
    let texts = compiled.kernels.into_iter().map(|kernel| {
        let text = kernel.text.map(|text| {
            if assembly {
                text.assembly.clone()
            } else {
                text.clif.clone()
            }
        });
        (kernel.name, text.unwrap_or_default())
    });
    Ok(texts.collect())
}
