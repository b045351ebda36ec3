//! Compiled code against the interpreter, bit by bit.
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::{DType, Type};
use crate::jit;
use crate::lower::{Small, bundle, lower};
use crate::runtime::contraction::Cpu;
use crate::runtime::{Call, CallSpace, Executable, Planner, Store};
use crate::tir::Graph;
use std::sync::Arc;

/// Runs an optimised graph as compiled code on a pool of so many threads; with one, its small kernels are bundled.
///
/// # Errors
/// What any stage says.
pub fn run_compiled(
    graph: &Graph,
    inputs: &[Tensor],
    threads: usize,
) -> Result<Vec<Tensor>, String> {
    run_updating(graph, &vec![None; graph.outputs.len()], inputs, threads)
}

/// The same where some outputs update the slot of an input, as `aliases` says for each output.
///
/// # Errors
/// What any stage says.
pub fn run_updating(
    graph: &Graph,
    aliases: &[Option<u32>],
    inputs: &[Tensor],
    threads: usize,
) -> Result<Vec<Tensor>, String> {
    let mut ready = Ready::new(graph, aliases, inputs, threads)?;
    ready.run(1)?;
    ready.outputs()
}

/// A compiled graph with its inputs in place and a pool of its own.
pub struct Ready {
    call: Call,
    store: Store,
    space: CallSpace,
    pool: rayon::ThreadPool,
    /// Slot and type of each output.
    outputs: Vec<(usize, Type)>,
}

impl Ready {
    /// Compiles an optimised graph for so many threads.
    ///
    /// # Errors
    /// What any stage says.
    pub fn new(
        graph: &Graph,
        aliases: &[Option<u32>],
        inputs: &[Tensor],
        threads: usize,
    ) -> Result<Ready, String> {
        // Both forms are to be tried: small kernels in bundles, with small contractions among them, and apart, where threads share them and
        // the engine has the contractions.
        let small = Small {
            tiles: threads == 1,
        };
        let mut schedule = lower(graph, aliases, small)?;
        if threads == 1 {
            schedule = bundle(schedule);
        }
        let code = jit::compile(&schedule.kernels, jit::Options::default())
            .map_err(|error| error.to_string())?;
        let functions = code
            .kernels
            .iter()
            .map(jit::CompiledKernel::function)
            .collect();
        let plans = Planner::new(&Cpu::detect()).plans(&schedule);
        let plans = plans.map_err(|error| error.to_string())?;
        let executable = Executable::new(schedule, functions, Arc::new(code), plans, threads)?;
        let types: Vec<Type> = graph
            .inputs
            .iter()
            .map(|input| input.ty.clone())
            .chain(graph.outputs.iter().map(|&value| graph.ty(value).clone()))
            .collect();
        let slots: Vec<(usize, usize)> = types.iter().map(Type::bytes).enumerate().collect();
        let mut store = Store::zeroed(types.iter().map(Type::bytes));
        for (slot, tensor) in inputs.iter().enumerate() {
            store.bytes_mut(slot).copy_from_slice(&tensor.bytes());
        }
        let (inputs, outputs) = slots.split_at(graph.inputs.len());
        let outputs: Vec<(usize, usize)> = outputs
            .iter()
            .zip(aliases)
            .map(|(&own, alias)| alias.map_or(own, |input| inputs[input as usize]))
            .collect();
        let call = Call::new(
            Arc::new(executable),
            inputs.to_vec(),
            outputs.clone(),
            aliases,
        )?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Ready {
            space: CallSpace::for_calls([&call]),
            call,
            store,
            pool,
            outputs: outputs
                .iter()
                .map(|&(slot, _)| (slot, types[slot].clone()))
                .collect(),
        })
    }

    /// Runs it so many times, on what the run before left.
    ///
    /// # Errors
    /// The index check that failed.
    pub fn run(&mut self, times: usize) -> Result<(), String> {
        let (call, store, space) = (&self.call, &mut self.store, &mut self.space);
        let ran = self
            .pool
            .install(|| (0..times).try_for_each(|_| call.run(store, space)));
        ran.map_err(|failure| format!("{failure:?}"))
    }

    /// What the last run left.
    ///
    /// # Errors
    /// A slot that is no tensor of its type: a fault of the compiler.
    pub fn outputs(&self) -> Result<Vec<Tensor>, String> {
        self.outputs
            .iter()
            .map(|(slot, ty)| {
                tensor(ty, self.store.bytes(*slot)).ok_or_else(|| "a slot of another size".into())
            })
            .collect()
    }
}

fn tensor(ty: &Type, bytes: &[u8]) -> Option<Tensor> {
    let words = bytes.chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
    let elements = match ty.dtype {
        DType::F32 => Elements::F32(words.map(f32::from_ne_bytes).collect()),
        DType::I32 => Elements::I32(words.map(i32::from_ne_bytes).collect()),
        DType::F64 => Elements::F64(
            bytes
                .chunks_exact(8)
                .map(|b| f64::from_ne_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
                .collect(),
        ),
        DType::Bool => Elements::Bool(bytes.to_vec()),
        DType::U8 => Elements::U8(bytes.to_vec()),
    };
    Tensor::new(ty.shape.clone(), elements)
}

/// The first place where two tensors differ in more than the kind of a NaN: position and both values.
pub fn first_difference(a: &Tensor, b: &Tensor) -> Option<(usize, f64, f64)> {
    (0..a.len().max(b.len())).find_map(|at| {
        let (x, y) = (a.get(at)?, b.get(at)?);
        let same = x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan());
        (!same).then_some((at, x, y))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::Span;
    use crate::grad::expand;
    use crate::interp::{Precision, run};
    use crate::pass::optimise;
    use crate::testing::generate::generate;
    use crate::testing::gradients::{formula, loss};
    use crate::testing::numbers::Numbers;
    use crate::tir::{Affine, Body, Node, Op, Reducer, Value};

    /// Adds gradients of a loss by all float inputs as further outputs.
    fn with_gradients(mut graph: Graph, seed: u64) -> Graph {
        let mut numbers = Numbers::new(seed);
        let outputs = graph.outputs.clone();
        let of = loss(&mut graph, &outputs, &mut numbers);
        let floats: Vec<Value> = graph
            .inputs
            .iter()
            .filter(|input| input.ty.dtype.is_float())
            .map(|input| input.value)
            .collect();
        let types = floats
            .iter()
            .map(|&value| graph.ty(value).clone())
            .collect();
        let node = Node::Gradient {
            of,
            with_respect_to: floats,
        };
        let gradients = graph.add(node, types, Span::default());
        graph.outputs.push(of);
        graph.outputs.extend(gradients);
        graph.outputs.sort_unstable();
        graph.outputs.dedup();
        graph
    }

    fn differences(graph: Graph, inputs: &[Tensor], seed: u64) -> Result<(), String> {
        let graph = with_gradients(graph, seed);
        let optimised = optimise(&expand(&graph)?, &[], &mut |_, _| {})?;
        let expected =
            run(&optimised, inputs, Precision::AsTyped).map_err(|error| error.to_string())?;
        for threads in [1, 2] {
            let found = run_compiled(&optimised, inputs, threads)
                .map_err(|why| format!("{why}\n{optimised}"))?;
            assert_eq!(expected.len(), found.len());
            assert!(
                found
                    .iter()
                    .any(|tensor| tensor.to_f64().iter().any(|x| *x != 0.0))
            );
            for (number, (expected, found)) in expected.iter().zip(&found).enumerate() {
                if let Some(difference) = first_difference(expected, found) {
                    return Err(format!(
                        "{threads} threads, output {number}: (at, interpreted, compiled) = {difference:?}\n{optimised}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// One formula of float inputs, compiled with its gradients.
    #[track_caller]
    fn same_bits(shapes: &[&[usize]], build: impl FnOnce(&mut Graph, &[Value]) -> Value) {
        let (mut graph, mut numbers) = (Graph::new(), Numbers::new(2));
        let mut inputs = Vec::new();
        let values: Vec<Value> = shapes
            .iter()
            .map(|&shape| {
                let ty = Type::new(DType::F32, shape);
                inputs.push(numbers.tensor(&ty, (-1.0, 1.0), 1));
                graph.input("x", ty)
            })
            .collect();
        let output = build(&mut graph, &values);
        graph.outputs = vec![output];
        if let Err(why) = differences(graph, &inputs, 1) {
            panic!("{why}");
        }
    }

    fn i(index: usize) -> Affine {
        Affine::index(index)
    }

    fn product(body: &mut Body, r: &[u32]) -> u32 {
        body.op(Op::Mul, &[r[0], r[1]])
    }

    const SUM: Option<Reducer> = Some(Reducer::Sum);

    #[test]
    fn products_of_odd_sizes_and_long_sums() {
        for (m, k, n) in [
            (33, 70, 50),
            (5, 5000, 7),
            (130, 9, 131),
            (1, 300, 40),
            (5000, 3, 2),
        ] {
            same_bits(&[&[m, k], &[k, n], &[n]], |graph, x| {
                let reads = vec![(x[0], vec![i(0), i(2)]), (x[1], vec![i(2), i(1)])];
                let y = formula(graph, &[m, n], (&[k], SUM), reads, product);
                let reads = vec![(y, vec![i(0), i(1)]), (x[2], vec![i(1)])];
                formula(graph, &[m, n], (&[], None), reads, |body, r| {
                    let sum = body.op(Op::Add, &[r[0], r[1]]);
                    let zero = body.constant(DType::F32, 0.0);
                    body.op(Op::Max, &[sum, zero])
                })
            });
        }
    }

    #[test]
    fn convolutions_with_strides_and_dilation() {
        for (stride, dilation) in [(1, 1), (2, 1), (1, 2), (2, 2)] {
            same_bits(&[&[2, 3, 19, 17], &[5, 3, 3, 3]], |graph, x| {
                let at = |place, tap| Affine::new(0, [(place, stride), (tap, dilation)]);
                let out = |size: usize| (size - 2 * dilation as usize - 1) / stride as usize + 1;
                let reads = vec![
                    (x[0], vec![i(0), i(4), at(2, 5), at(3, 6)]),
                    (x[1], vec![i(1), i(4), i(5), i(6)]),
                ];
                let shape = [2, 5, out(19), out(17)];
                formula(graph, &shape, (&[3, 3, 3], SUM), reads, product)
            });
        }
    }

    #[test]
    fn reductions_of_every_kind_over_long_rows() {
        for reducer in [Reducer::Sum, Reducer::Max, Reducer::Min, Reducer::Prod] {
            for (rows, length) in [(3, 37), (70, 5), (1, 6000), (2, 16)] {
                // Products are differentiated by the products of all other factors: keep them short.
                let length = if reducer == Reducer::Prod {
                    length.min(37)
                } else {
                    length
                };
                same_bits(&[&[rows, length]], |graph, x| {
                    let reads = vec![(x[0], vec![i(0), i(1)])];
                    let reduce: (&[usize], _) = (&[length], Some(reducer));
                    formula(graph, &[rows], reduce, reads, |body, r| {
                        body.op(Op::Tanh, &[r[0]])
                    })
                });
            }
        }
    }

    #[test]
    fn every_function_of_one_number() {
        for op in Op::ALL {
            let fits = op.result_type(&[DType::F32]) == Some(DType::F32) && op != Op::ToF32;
            if fits {
                same_bits(&[&[1003]], |graph, x| {
                    formula(
                        graph,
                        &[1003],
                        (&[], None),
                        vec![(x[0], vec![i(0)])],
                        |body, r| {
                            let four = body.constant(DType::F32, 4.0);
                            let wide = body.op(Op::Mul, &[four, r[0]]);
                            body.op(op, &[wide])
                        },
                    )
                });
            }
        }
    }

    #[test]
    fn compiled_random_graphs_give_the_bits_of_the_interpreter() {
        let failures: Vec<String> = (1..=60)
            .filter_map(|seed| {
                let made = generate(seed, 4 + seed as usize % 7);
                let result = differences(made.graph, &made.inputs, seed);
                result.err().map(|why| format!("seed {seed}: {why}"))
            })
            .collect();
        assert!(
            failures.is_empty(),
            "{} fail\n{}",
            failures.len(),
            failures.join("\n\n")
        );
    }
}
