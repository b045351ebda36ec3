//! Small programs built by hand, run end to end.
use super::compile::{CompileOptions, compile};
use super::machine::{Event, Machine, Resolve};
use crate::base::data::{DataError, DataSet, Table};
use crate::base::source::Span;
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::{DType, Type};
use crate::check::program::{Instr, Piece, Program, SlotData, SlotId, SlotKind, StepGraph};
use crate::runtime::contraction::Cpu;
use crate::tir::build::map;
use crate::tir::{Affine, Body, Comprehension, Graph, Inst, Op, Read, Reducer, Value};
use std::sync::Arc;

fn options(threads: usize) -> CompileOptions {
    CompileOptions {
        skip: Vec::new(),
        cpu: Cpu::detect(),
        threads,
    }
}

fn nowhere() -> Resolve {
    Arc::new(|path| {
        Err(DataError {
            message: format!("no file {path}"),
            help: None,
            missing: true,
            stage: None,
        })
    })
}

fn machine(program: &Program) -> Machine {
    let compiled = compile(program, &options(1)).expect("compiles");
    Machine::new(Arc::new(program.clone()), Arc::new(compiled), nowhere()).expect("starts")
}

/// Output lines of a whole run.
fn lines(machine: &mut Machine) -> Vec<String> {
    let mut lines = Vec::new();
    machine
        .run(&mut |_, event| {
            if let Event::Line(line) = event {
                lines.push(line);
            }
            true
        })
        .expect("runs");
    lines
}

fn f32s(shape: &[usize], elements: &[f32]) -> Tensor {
    Tensor::new(shape, Elements::F32(elements.to_vec()))
        .expect("as many elements as the shape says")
}

fn f32_type(shape: &[usize]) -> Type {
    Type::new(DType::F32, shape)
}

#[derive(Default)]
struct Builder(Program);

impl Builder {
    fn slot(&mut self, name: &str, ty: Type, initial: Option<Tensor>) -> SlotId {
        self.0.slots.push(SlotData {
            name: name.into(),
            ty,
            kind: SlotKind::Binding,
            initial,
            field: None,
        });
        SlotId(self.0.slots.len() as u32 - 1)
    }

    fn tensor(&mut self, name: &str, value: Tensor) -> SlotId {
        self.slot(name, value.ty(), Some(value))
    }

    fn graph(&mut self, graph: Graph, inputs: &[SlotId], outputs: &[SlotId]) -> usize {
        self.0.graphs.push(StepGraph {
            name: format!("graph {}", self.0.graphs.len()),
            graph,
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
            origin: Span::default(),
            objectives: Vec::new(),
            applications: Vec::new(),
        });
        self.0.graphs.len() - 1
    }

    fn print(&mut self, slot: SlotId) {
        self.0.code.push(Instr::Print(vec![Piece::Value {
            slot,
            precision: None,
            style: None,
            width: None,
        }]));
    }
}

/// `out[i, j] = sum[k] a[i, k] * b[k, j]`
fn matmul(graph: &mut Graph, a: Value, b: Value) -> Value {
    let (m, k) = (graph.ty(a).shape[0], graph.ty(a).shape[1]);
    let n = graph.ty(b).shape[1];
    product(graph, &[m, n], k, (a, &[0, 2]), (b, &[2, 1]))
}

fn product(
    graph: &mut Graph,
    shape: &[usize],
    k: usize,
    a: (Value, &[usize]),
    b: (Value, &[usize]),
) -> Value {
    let read = |(value, indices): (Value, &[usize])| {
        Read::affine(value, DType::F32, indices.iter().map(|&i| Affine::index(i)))
    };
    let mut body = Body::default();
    let (x, y) = (body.push(Inst::Read(0)), body.push(Inst::Read(1)));
    body.result = body.op(Op::Mul, &[x, y]);
    let c = Comprehension {
        reduce: vec![k],
        reducer: Some(Reducer::Sum),
        ..map(shape, vec![read(a), read(b)], body, DType::F32)
    };
    graph.comprehension(c, Span::default())
}

/// `s = a @ s`, an update in place of a value that is read whole.
fn powers() -> Graph {
    let mut graph = Graph::new();
    let a = graph.input("a", f32_type(&[2, 2]));
    let s = graph.input("s", f32_type(&[2, 2]));
    let next = matmul(&mut graph, a, s);
    graph.outputs = vec![next];
    graph
}

fn fibonacci(times: u64) -> (Program, SlotId) {
    let mut b = Builder::default();
    let a = b.tensor("a", f32s(&[2, 2], &[1.0, 1.0, 1.0, 0.0]));
    let s = b.tensor("s", f32s(&[2, 2], &[1.0, 0.0, 0.0, 1.0]));
    let turn = b.slot("turn", Type::scalar(DType::I32), None);
    let graph = b.graph(powers(), &[a, s], &[s]);
    b.0.code.push(Instr::RunTimes { graph, times, turn });
    b.print(s);
    b.print(turn);
    (b.0, s)
}

#[test]
fn a_loop_of_steps_updates_a_slot_in_place() {
    let (program, s) = fibonacci(20);
    let mut machine = machine(&program);
    assert_eq!(
        lines(&mut machine),
        ["[[10946,  6765],\n [ 6765,  4181]]", "19"]
    );
    assert_eq!(
        machine.value(s),
        f32s(&[2, 2], &[10946.0, 6765.0, 6765.0, 4181.0])
    );
}

#[test]
fn equal_graphs_are_compiled_once() {
    let mut b = Builder::default();
    let a = b.tensor("a", f32s(&[2, 2], &[1.0; 4]));
    for _ in 0..3 {
        let s = b.tensor("s", f32s(&[2, 2], &[1.0; 4]));
        b.graph(powers(), &[a, s], &[s]);
    }
    let compiled = compile(&b.0, &options(1)).expect("compiles");
    assert_eq!((compiled.calls.len(), compiled.distinct_graphs), (3, 1));
}

#[test]
fn a_slot_of_another_type_is_a_fault_of_the_compiler() {
    let mut b = Builder::default();
    let a = b.tensor("a", f32s(&[2, 2], &[1.0; 4]));
    let s = b.tensor("s", f32s(&[4], &[1.0; 4]));
    b.graph(powers(), &[a, s], &[s]);
    let error = compile(&b.0, &options(1)).err().expect("refused");
    assert!(error.to_string().contains("serves as f32[2, 2]"), "{error}");
}

/// Two epochs over five rows in batches of two, shuffled; sums the batches' products and watches a falling value.
fn batches() -> Program {
    let mut b = Builder::default();
    let rows: Vec<f32> = (0..20).map(|i| i as f32 * 0.25 - 2.0).collect();
    let table = Table {
        fields: vec![
            ("x".into(), f32s(&[5, 2, 2], &rows)),
            (
                "y".into(),
                Tensor::new([5], Elements::U8(vec![1, 2, 3, 4, 5])).expect("five"),
            ),
        ],
    };
    b.0.data.push(Arc::new(DataSet {
        parts: vec![(String::new(), Arc::new(table))],
        ..DataSet::default()
    }));
    b.0.iterators = 1;
    let i32s = Type::scalar(DType::I32);
    let x = b.slot("batch.x", f32_type(&[2, 2, 2]), None);
    let y = b.slot("batch.y", Type::new(DType::I32, [2]), None);
    let rows = b.slot("rows", Type::new(DType::I32, [2]), None);
    let s = b.tensor("s", f32s(&[2, 4], &[0.5; 8]));
    let epoch = b.slot("epoch", i32s.clone(), None);
    let since = b.slot("since", i32s, None);
    let best = b.tensor(
        "best",
        Tensor::new([], Elements::F64(vec![f64::INFINITY])).expect("one"),
    );
    let sum = b.slot("sum", Type::scalar(DType::F64), None);
    let mean = b.slot("mean", Type::scalar(DType::F32), None);
    let mut graph = Graph::new();
    let (gx, gs) = (
        graph.input("x", f32_type(&[2, 2, 2])),
        graph.input("s", f32_type(&[2, 4])),
    );
    let flat = graph.add(
        crate::tir::Node::Reshape(gx),
        vec![f32_type(&[2, 4])],
        Span::default(),
    )[0];
    // A product of the batch and the sum so far, so that the order of the rows matters.
    let next = product(&mut graph, &[2, 4], 2, (flat, &[2, 1]), (gs, &[2, 0]));
    graph.outputs = vec![next];
    let step = b.graph(graph, &[x, s], &[s]);
    b.0.code = vec![
        Instr::EpochBegin {
            epoch,
            epochs: 2,
            steps: 2,
        },
        Instr::OpenBatches {
            iterator: 0,
            data: 0,
            part: String::new(),
            shuffle: Some(7),
            epoch,
        },
        Instr::NextBatch {
            iterator: 0,
            size: 2,
            rows: Some(rows),
            fields: vec![("x".into(), x), ("y".into(), y)],
            otherwise: 7,
        },
        Instr::Run(step),
        Instr::Accumulate {
            into: sum,
            value: s,
            weight: 2.0,
        },
        Instr::StepDone { loss: s },
        Instr::Jump(2),
        Instr::Mean {
            into: mean,
            sum,
            weight: 4.0,
        },
        Instr::EpochEnd {
            epoch,
            epochs: 2,
            values: vec![("loss".into(), mean)],
        },
        Instr::Watch {
            value: mean,
            best,
            since,
            larger: false,
            patience: Some(3),
            target: 13,
            save: None,
            origin: Span::default(),
        },
        Instr::AddInt {
            slot: epoch,
            value: 1,
        },
        Instr::JumpIfAtLeast {
            slot: epoch,
            limit: 2,
            target: 13,
        },
        Instr::Jump(0),
    ];
    b.print(s);
    b.print(mean);
    b.print(y);
    b.0
}

#[test]
fn a_run_saved_and_restored_at_every_instruction_ends_in_the_same_bits() {
    let program = batches();
    let mut whole = machine(&program);
    let expected = lines(&mut whole);
    let end = |machine: &Machine| -> Vec<Tensor> {
        (0..program.slots.len() as u32)
            .map(|slot| machine.value(SlotId(slot)))
            .collect()
    };
    let expected_end = end(&whole);
    for (turns, least) in [(1, 30), (2, 5), (u64::MAX, 5)] {
        let mut current = machine(&program);
        let (mut printed, mut losses) = (Vec::new(), Vec::new());
        let mut count = 0;
        loop {
            let state = current.snapshot();
            let mut fresh = machine(&program);
            fresh.restore(&state).expect("the program's own state");
            fresh.limit_turns(turns);
            match fresh.step().expect("runs") {
                Event::Finished => break,
                Event::Line(line) => printed.push(line),
                Event::StepsDone { step, steps } => {
                    losses.extend_from_slice(fresh.losses());
                    assert_eq!((step % 2, steps), ((losses.len() - 1) % 2, 2));
                }
                _ => {}
            }
            current = fresh;
            count += 1;
        }
        assert!(count > least, "{count} with {turns} turns at most");
        assert_eq!(losses.len(), 4, "with {turns} turns at most");
        assert_eq!(printed, expected);
        assert_eq!(end(&current), expected_end);
    }
}

#[test]
fn a_state_of_another_program_or_a_damaged_one_is_refused() {
    let program = batches();
    let mut machine_a = machine(&program);
    let state = machine_a.snapshot();
    let mut other = machine(&fibonacci(3).0);
    assert!(other.restore(&state).is_err());
    for length in [0, 7, 20, state.len() - 1] {
        assert!(machine_a.restore(&state[..length]).is_err(), "{length}");
    }
    let mut long = state.clone();
    long.push(0);
    assert!(machine_a.restore(&long).is_err());
    machine_a.restore(&state).expect("whole");
}

#[test]
fn an_assertion_names_its_message() {
    let mut b = Builder::default();
    let no = b.slot("no", Type::scalar(DType::Bool), None);
    b.0.code.push(Instr::Assert {
        condition: no,
        message: vec![Piece::Text("theta is off".into())],
        origin: Span::default(),
    });
    let error = machine(&b.0).step().expect_err("it does not hold");
    assert_eq!(
        error.to_string(),
        "the assertion does not hold: theta is off"
    );
}

#[test]
fn weights_are_saved_and_loaded_and_a_misfit_says_so() {
    let folder = std::env::temp_dir().join(format!("dlmc-train-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let mut b = Builder::default();
    let w = b.tensor("net.W", f32s(&[2], &[1.5, -2.0]));
    let v = b.slot("other", f32_type(&[2]), None);
    let entry = |name: &str, slot| vec![(name.to_string(), slot)];
    let (file, origin) = ("w.safetensors".to_string(), Span::default());
    b.0.code = vec![
        Instr::Save {
            entries: entry("net.W", w),
            file: file.clone(),
            origin,
        },
        Instr::Load {
            entries: entry("net.W", v),
            file: file.clone(),
            origin,
        },
        Instr::Plot {
            slot: w,
            file: "w.svg".into(),
            origin,
        },
    ];
    b.print(v);
    b.0.code.push(Instr::Load {
        entries: entry("net.w", v),
        file,
        origin,
    });
    let compiled = compile(&b.0, &options(1)).expect("compiles");
    let base = folder.clone();
    let resolve: Resolve = Arc::new(move |path| Ok(base.join(path)));
    let mut machine = Machine::new(Arc::new(b.0), Arc::new(compiled), resolve).expect("starts");
    let mut printed = Vec::new();
    let error = machine
        .run(&mut |_, event| {
            printed.push(event);
            true
        })
        .expect_err("the last name is not in the file");
    assert_eq!(printed, [Event::Line("[ 1.5, -2.0]".into())]);
    assert_eq!(
        error.diagnostic.help.as_deref(),
        Some("the file was saved by another model: the nearest it holds is `net.W`")
    );
    let drawing = std::fs::read_to_string(folder.join("w.svg")).expect("drawn");
    assert!(drawing.contains("<polyline"));
    std::fs::remove_dir_all(&folder).expect("the test's own folder");
}

/// Both are no floats, and yet the one cannot be written over the other.
#[test]
fn weights_of_a_type_that_does_not_convert_are_refused() {
    let folder = std::env::temp_dir().join(format!("dlmc-convert-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let mut b = Builder::default();
    let truth = Tensor::new([1], Elements::Bool(vec![1])).expect("one element");
    let truth = b.tensor("truth", truth);
    let count = b.slot("count", Type::new(DType::I32, [1]), None);
    let entry = |slot| vec![("net.k".to_string(), slot)];
    let (file, origin) = ("k.safetensors".to_string(), Span::default());
    b.0.code = vec![
        Instr::Save {
            entries: entry(truth),
            file: file.clone(),
            origin,
        },
        Instr::Load {
            entries: entry(count),
            file,
            origin,
        },
    ];
    let compiled = compile(&b.0, &options(1)).expect("compiles");
    let base = folder.clone();
    let resolve: Resolve = Arc::new(move |path| Ok(base.join(path)));
    let mut machine = Machine::new(Arc::new(b.0), Arc::new(compiled), resolve).expect("starts");
    let error = machine.run(&mut |_, _| true).expect_err("it does not fit");
    assert_eq!(
        error.to_string(),
        "\"k.safetensors\" holds `net.k` as bool[1], the program has it as i32[1]"
    );
    std::fs::remove_dir_all(&folder).expect("the test's own folder");
}

/// One step of linear regression by hand: `r = X theta - y`, `g = X^T r / n`, `theta = theta - lr g`, and the loss before it.
fn regression(n: usize, d: usize) -> Graph {
    let origin = Span::default();
    let mut g = Graph::new();
    let x = g.input("X", f32_type(&[n, d]));
    let y = g.input("y", f32_type(&[n]));
    let theta = g.input("theta", f32_type(&[d]));
    let prediction = product(&mut g, &[n], d, (x, &[0, 1]), (theta, &[1]));
    let residual = g.elementwise(Op::Sub, &[prediction, y], &[n], origin);
    let gradient = product(&mut g, &[d], n, (residual, &[1]), (x, &[1, 0]));
    let rate = g.splat(DType::F32, 0.01 / n as f64, &[], origin);
    let change = g.elementwise(Op::Mul, &[gradient, rate], &[d], origin);
    let next = g.elementwise(Op::Sub, &[theta, change], &[d], origin);
    let squares = g.elementwise(Op::Mul, &[residual, residual], &[n], origin);
    let sum = g.reduce(Reducer::Sum, squares, &[0], origin);
    let scale = g.splat(DType::F32, 1.0 / n as f64, &[], origin);
    let loss = g.elementwise(Op::Mul, &[sum, scale], &[], origin);
    g.outputs = vec![next, loss];
    g
}

#[test]
fn linear_regression_ends_where_the_first_program_says() {
    let mut b = Builder::default();
    let x = b.tensor(
        "X",
        f32s(&[4, 2], &[1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 5.0]),
    );
    let y = b.tensor("y", f32s(&[4], &[2.0, 3.0, 4.0, 5.0]));
    let theta = b.slot("f.theta", f32_type(&[2]), None);
    let loss = b.slot("loss", f32_type(&[]), None);
    let turn = b.slot("turn", Type::scalar(DType::I32), None);
    let graph = b.graph(regression(4, 2), &[x, y, theta], &[theta, loss]);
    b.0.code.push(Instr::RunTimes {
        graph,
        times: 1000,
        turn,
    });
    let mut machine = machine(&b.0);
    assert_eq!(lines(&mut machine), Vec::<String>::new());
    let theta = machine.value(theta).to_f64();
    // The values of the same steps in f64.
    for (found, exact) in theta.iter().zip([0.263_593_0, 0.803_878_8]) {
        assert!((found - exact).abs() < 2e-6, "{theta:?}");
    }
}

#[test]
fn threads_change_no_bit() {
    let (n, d) = (3000, 130);
    let noise = |seed: usize, count: usize| -> Vec<f32> {
        (0..count)
            .map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 1009.0 - 0.5)
            .collect()
    };
    let mut b = Builder::default();
    let x = b.tensor("X", f32s(&[n, d], &noise(1, n * d)));
    let y = b.tensor("y", f32s(&[n], &noise(2, n)));
    let theta = b.slot("f.theta", f32_type(&[d]), None);
    let loss = b.slot("loss", f32_type(&[]), None);
    let turn = b.slot("turn", Type::scalar(DType::I32), None);
    let graph = b.graph(regression(n, d), &[x, y, theta], &[theta, loss]);
    b.0.code.push(Instr::RunTimes {
        graph,
        times: 20,
        turn,
    });
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads");
        pool.install(|| {
            let compiled = compile(&b.0, &options(threads)).expect("compiles");
            let program = Arc::new(b.0.clone());
            let mut machine = Machine::new(program, Arc::new(compiled), nowhere()).expect("starts");
            machine.run(&mut |_, _| true).expect("runs");
            (machine.value(theta), machine.value(loss))
        })
    };
    let one = run(1);
    assert!(one.0.to_f64().iter().any(|&x| x != 0.0));
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
}

#[test]
fn an_index_out_of_range_names_value_and_place() {
    use crate::base::source::FileId;
    use crate::tir::Subscript;
    let mut g = Graph::new();
    let table = g.input("E", f32_type(&[10]));
    let at = g.input("at", Type::new(DType::I32, [3]));
    let mut gather = Read::affine(table, DType::F32, []);
    gather.subscripts = vec![Subscript::Gather(0)];
    let reads = vec![Read::affine(at, DType::I32, [Affine::index(0)]), gather];
    let mut body = Body::default();
    body.result = body.push(Inst::Read(1));
    let origin = Span::new(FileId(0), 4, 9);
    let out = g.comprehension(map(&[3], reads, body, DType::F32), origin);
    g.outputs = vec![out];
    let mut b = Builder::default();
    let table = b.tensor("E", f32s(&[10], &[0.5; 10]));
    let tokens = Tensor::new([3], Elements::I32(vec![3, 12, -1])).expect("three");
    let at = b.tensor("at", tokens);
    let out = b.slot("out", f32_type(&[3]), None);
    let graph = b.graph(g, &[table, at], &[out]);
    b.0.code.push(Instr::Run(graph));
    let error = machine(&b.0).step().expect_err("12 is too large");
    assert_eq!(error.to_string(), "index 12 is out of range 0..10");
    assert_eq!(error.diagnostic.labels[0].span, origin);
}
