//! What programs become: how many loops and contractions of which kind (against `tests/kernels/counts.txt`, which
//! `DLMC_BLESS=1 cargo test --test kernels` writes anew), and that no contraction of any size runs as a loop.
use dlmc::base::source::Sources;
use dlmc::data::FileProvider;
use dlmc::kir::schedule::{Address, Base, Schedule, Step};
use dlmc::kir::{Access, Kernel, Nest};
use dlmc::session::{Settings, Source, checked};
use dlmc::tir::{Affine, Inst, Op, Reducer};
use dlmc::train::compile::{CompileTimes, stages};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Most multiply-adds of a contraction that may run as a loop.
const MOST_IN_A_LOOP: usize = 4096;

/// Contractions that run as loops nonetheless: program, what the kernel's listing holds, and why that is right.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "chosen",
        "(select (le i2 i0) (mul ",
        "a condition on the summed index chooses whole products: zero in one operand alone would make NaN of an infinite other one",
    ),
    (
        "chosen",
        "(mul (select (le i0 i2) ",
        "the mask belongs to the operand that has not all of its indices: moved to the other one it would let infinities through",
    ),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The programs of a folder, by name.
fn programs(name: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "dlm"))
        .collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().into()
}

/// The schedules of a program's graphs.
fn schedules(path: &Path) -> Vec<Schedule> {
    let Ok(source) = Source::read(path.to_str().unwrap()) else {
        panic!("{} cannot be read", path.display());
    };
    let mut sources = Sources::default();
    let settings = Settings::default();
    let checked = checked(&source, &mut sources, &mut FileProvider::new(), &settings);
    let Some(program) = checked.program else {
        panic!("{}: {:?}", path.display(), checked.diagnostics);
    };
    let schedule = |step| match stages(step, &[], &mut CompileTimes::default(), &mut |_, _| {}) {
        Ok(stages) => stages.schedule,
        Err(error) => panic!("{}: {error:?}", path.display()),
    };
    program.graphs.iter().map(schedule).collect()
}

/// All steps, those of loops too.
fn flattened(steps: &[Step]) -> Vec<&Step> {
    let mut all = Vec::new();
    for step in steps {
        all.push(step);
        match step {
            Step::Loop { body, .. } | Step::Group { members: body, .. } => {
                all.extend(flattened(body));
            }
            Step::Product { finish, terms, .. } => {
                let members = finish.iter().flat_map(|finish| &finish.members);
                for member in members.chain(terms.as_deref()) {
                    all.extend(flattened(std::slice::from_ref(member)));
                }
            }
            _ => {}
        }
    }
    all
}

fn ops(nest: &Nest) -> impl Iterator<Item = Op> + '_ {
    nest.body.insts.iter().filter_map(|inst| match inst {
        Inst::Op(op, _) => Some(*op),
        Inst::Read(_) | Inst::Index(_) | Inst::Const(_) => None,
    })
}

/// What a loop nest does, in a word.
fn kind(nest: &Nest) -> &'static str {
    match nest.reducer {
        _ if nest.store.accumulate => "scatter",
        Some(Reducer::Sum) if ops(nest).eq([Op::Mul]) && nest.accesses.len() == 2 => {
            "sum of products"
        }
        Some(reducer) => reducer.name(),
        None if ops(nest).any(|op| op == Op::Philox) => "random",
        None if ops(nest).next().is_some() => "elementwise",
        None if nest.body.as_read().is_some() => "copy",
        None => "fill",
    }
}

/// What a program's graphs do, counted.
fn counts(schedules: &[Schedule]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut products, mut multiply_adds, mut finishes, mut scans, mut groups) = (0, 0, 0, 0, 0);
    for schedule in schedules {
        for step in flattened(&schedule.steps) {
            match step {
                Step::Kernel { kernel, .. } => schedule.kernels[*kernel]
                    .nests
                    .iter()
                    .for_each(|nest| *counts.entry(kind(nest)).or_default() += 1),
                Step::Product {
                    product, finish, ..
                } => {
                    products += 1;
                    finishes += usize::from(finish.is_some());
                    multiply_adds += schedule.products[*product].multiply_adds();
                }
                Step::Loop { .. } => scans += 1,
                Step::Group { .. } => groups += 1,
                Step::Zero { .. } | Step::Copy { .. } | Step::Turn { .. } => {}
            }
        }
    }
    let mut line = format!(
        "{} graphs, {products} contractions ({multiply_adds} multiply-adds), {finishes} into updates, {scans} scans, {groups} groups",
        schedules.len()
    );
    for (kind, count) in counts {
        let _ = write!(line, ", {count} {kind}");
    }
    line
}

type Indices = BTreeSet<usize>;

fn add_indices(affine: &Affine, into: &mut Indices) {
    into.extend(affine.terms().map(|term| term.0));
}

/// The indices that move an access.
fn access_indices(nest: &Nest, access: &Access, into: &mut Indices) {
    add_indices(&access.offset, into);
    for condition in &access.guard.conditions {
        add_indices(condition.expression(), into);
    }
    for gather in &access.gathers {
        access_indices(nest, &nest.accesses[gather.access as usize], into);
    }
}

/// Whether an operator chooses between something and the constant 0: its condition does not make a factor another one.
fn masks(nest: &Nest, op: Op, arguments: &[u32]) -> bool {
    let zero =
        |at: &u32| matches!(&nest.body.insts[*at as usize], Inst::Const(c) if c.value == 0.0);
    op == Op::Select && arguments[1..].iter().any(zero)
}

/// The indices that move a value of the body, but for those that only decide where it is 0.
fn indices(nest: &Nest, at: u32) -> Indices {
    let mut found = Indices::new();
    match &nest.body.insts[at as usize] {
        Inst::Read(read) => access_indices(nest, &nest.accesses[*read as usize], &mut found),
        Inst::Index(index) => {
            found.insert(*index as usize);
        }
        Inst::Const(_) => {}
        Inst::Op(op, arguments) => arguments[usize::from(masks(nest, *op, arguments))..]
            .iter()
            .for_each(|&argument| found.extend(indices(nest, argument))),
    }
    found
}

/// The indices that a nest sums over: its reduction indices, and for a scatter all that do not move its target.
fn summed(nest: &Nest) -> Indices {
    let extents = nest.free.len() + nest.reduce.len();
    if !nest.store.accumulate {
        return (nest.free.len()..extents).collect();
    }
    let mut target = Indices::new();
    add_indices(&nest.store.offset, &mut target);
    for gather in &nest.store.gathers {
        access_indices(nest, &nest.accesses[gather.access as usize], &mut target);
    }
    (0..extents)
        .filter(|index| !target.contains(index))
        .collect()
}

/// Every product in whose factors the value is linear, by looking through sums, quotients, choices and conversions.
fn products(nest: &Nest, at: u32, found: &mut Vec<(u32, u32)>) {
    let Inst::Op(op, arguments) = &nest.body.insts[at as usize] else {
        return;
    };
    let into: &[u32] = match op {
        Op::Mul => {
            found.push((arguments[0], arguments[1]));
            arguments
        }
        Op::Add | Op::Sub | Op::Neg | Op::ToF32 | Op::ToF64 => arguments,
        Op::Div => &arguments[..1],
        Op::Select => &arguments[1..],
        _ => &[],
    };
    into.iter()
        .for_each(|&argument| products(nest, argument, found));
}

/// Whether a nest sums products of two factors, each of which has an index of its own that is not summed: work that a register tile would
/// do with far fewer loads.
fn contracts(nest: &Nest) -> bool {
    let sums = nest.reducer == Some(Reducer::Sum) || nest.store.accumulate;
    let summed = summed(nest);
    let extent = |index: usize| nest.free.iter().chain(&nest.reduce).nth(index).copied();
    if !sums || summed.is_empty() {
        return false;
    }
    let mut found = Vec::new();
    products(nest, nest.body.result, &mut found);
    found.into_iter().any(|(a, b)| {
        let (a, b) = (indices(nest, a), indices(nest, b));
        let own = |x: &Indices, y: &Indices| {
            x.difference(y)
                .any(|&index| !summed.contains(&index) && extent(index) > Some(1))
        };
        let both_summed = a.intersection(&b).any(|index| summed.contains(index));
        both_summed && own(&a, &b) && own(&b, &a)
    })
}

fn points(nest: &Nest) -> usize {
    nest.free.iter().chain(&nest.reduce).product()
}

/// The kernels of a program that should have been contractions.
fn hidden(name: &str, schedules: &[Schedule]) -> String {
    let mut found = String::new();
    for kernel in schedules.iter().flat_map(|schedule| &schedule.kernels) {
        let text = kernel.to_string();
        let excepted = EXCEPTIONS
            .iter()
            .any(|(program, part, _)| *program == name && text.contains(part));
        let heavy = |nest: &Nest| points(nest) > MOST_IN_A_LOOP && contracts(nest);
        if !excepted && kernel.nests.iter().any(heavy) {
            let _ = writeln!(found, "{name}: {text}");
        }
    }
    found
}

#[test]
fn programs_become_so_many_loops_and_contractions() {
    let mut table = String::new();
    let paths = programs("examples")
        .into_iter()
        .chain(programs("tests/kernels"));
    for path in paths {
        let _ = writeln!(table, "{}: {}", name_of(&path), counts(&schedules(&path)));
    }
    let expectation = folder("tests/kernels").join("counts.txt");
    if std::env::var_os("DLMC_BLESS").is_some() {
        std::fs::write(&expectation, &table).unwrap();
    }
    let expected = std::fs::read_to_string(&expectation).unwrap_or_default();
    let differing: Vec<String> = table
        .lines()
        .filter(|line| !expected.lines().any(|other| other == *line))
        .map(|line| {
            let name = line.split(':').next().unwrap_or_default();
            let old = expected
                .lines()
                .find(|old| old.split(':').next() == Some(name));
            format!("was {}\nis  {line}", old.unwrap_or("unknown"))
        })
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert_eq!(table.lines().count(), expected.lines().count());
}

#[test]
fn contractions_run_in_the_contraction_engine() {
    let mut found = String::new();
    for path in programs("examples")
        .into_iter()
        .chain(programs("tests/kernels"))
    {
        found += &hidden(&name_of(&path), &schedules(&path));
    }
    assert!(found.is_empty(), "contractions that run as loops:\n{found}");
}

/// The product of the inputs is hoisted, the four gates are one product, and what the gradient sums over time leaves the loop.
#[test]
fn a_step_of_an_lstm_is_one_product_forward_and_one_backward() {
    let all = schedules(&folder("benches/programs").join("recurrence.dlm"));
    let steps = all.iter().flat_map(|schedule| flattened(&schedule.steps));
    let products: Vec<usize> = steps
        .filter_map(|step| match step {
            // The orthogonal matrix of the first weights is made by a loop of another length.
            Step::Loop {
                length: 8, body, ..
            } => Some(body),
            _ => None,
        })
        .map(|body| {
            let product = |step: &&&Step| matches!(step, Step::Product { .. });
            flattened(body).iter().filter(product).count()
        })
        .collect();
    assert_eq!(products, [1, 1]);
}

/// Whether a kernel reads or writes exactly what is at an address.
fn uses(schedule: &Schedule, step: &Step, at: &Address) -> (bool, bool) {
    match step {
        Step::Kernel {
            kernel, arguments, ..
        } => {
            let nests = &schedule.kernels[*kernel].nests;
            let is = |buffer: u32| arguments[buffer as usize] == *at;
            let mut accesses = nests.iter().flat_map(|nest| &nest.accesses);
            (
                accesses.any(|access| is(access.buffer)),
                nests.iter().any(|nest| is(nest.store.buffer)),
            )
        }
        Step::Product { a, b, c, .. } => (a == at || b == at, c == at),
        Step::Copy { from, to, .. } => (from == at, to == at),
        Step::Zero { at: to, .. } | Step::Turn { at: to } => (false, to == at),
        Step::Group { members, .. } | Step::Loop { body: members, .. } => {
            let uses = members.iter().map(|member| uses(schedule, member, at));
            uses.fold((false, false), |all, one| (all.0 | one.0, all.1 | one.1))
        }
    }
}

/// Whether all that a step writes are outputs.
fn writes_outputs(schedule: &Schedule, step: &Step) -> bool {
    match step {
        Step::Kernel {
            kernel, arguments, ..
        } => schedule.kernels[*kernel].nests.iter().all(|nest| {
            matches!(
                arguments[nest.store.buffer as usize].base,
                Base::Output(_) | Base::Input(_)
            )
        }),
        Step::Group { members, .. } => members.iter().all(|step| writes_outputs(schedule, step)),
        _ => false,
    }
}

/// Products whose results are stored whole although all that reads them are updates of parameters.
fn round_trips(name: &str, schedule: &Schedule) -> String {
    let mut found = String::new();
    for (number, step) in schedule.steps.iter().enumerate() {
        let Step::Product {
            product,
            c,
            finish: None,
            ..
        } = step
        else {
            continue;
        };
        let mut readers = Vec::new();
        for later in &schedule.steps[number + 1..] {
            let (reads, writes) = uses(schedule, later, c);
            if reads {
                readers.push(writes_outputs(schedule, later));
            }
            if writes {
                break;
            }
        }
        if !readers.is_empty() && readers.iter().all(|&update| update) {
            let _ = writeln!(found, "{name}: {}", schedule.products[*product]);
        }
    }
    found
}

#[test]
fn gradients_go_into_their_updates() {
    let (mut found, mut finishes) = (String::new(), 0);
    for path in programs("examples")
        .into_iter()
        .chain(programs("benches/programs"))
    {
        for schedule in schedules(&path) {
            found += &round_trips(&name_of(&path), &schedule);
            let finish = |step: &&Step| {
                matches!(
                    step,
                    Step::Product {
                        finish: Some(_),
                        ..
                    }
                )
            };
            finishes += schedule.steps.iter().filter(finish).count();
        }
    }
    assert!(found.is_empty(), "gradients that are stored:\n{found}");
    assert!(finishes > 10, "{finishes}");
}

#[test]
fn exceptions_are_needed() {
    for (name, part, why) in EXCEPTIONS {
        let schedules = schedules(&folder("tests/kernels").join(format!("{name}.dlm")));
        let kernels = schedules.iter().flat_map(|schedule| &schedule.kernels);
        let texts: Vec<String> = kernels
            .filter(|kernel| kernel.nests.iter().any(contracts))
            .map(Kernel::to_string)
            .collect();
        assert!(
            texts.iter().any(|text| text.contains(part)),
            "{name}: {why}"
        );
    }
}

/// A nest `c[i, j] = sum[k] body(a, b)` over 64 by 32 by 16, of two accesses.
fn nest_of(body: impl FnOnce(&mut dlmc::tir::Body) -> u32) -> Nest {
    use dlmc::base::types::DType::F32;
    use dlmc::tir::{Guard, Literal, Order};
    let access = |buffer, terms: [(usize, i64); 2]| Access {
        buffer,
        offset: Affine::new(0, terms),
        gathers: Vec::new(),
        guard: Guard::always(),
        fill: Literal {
            dtype: F32,
            value: 0.0,
        },
    };
    let mut code = dlmc::tir::Body::default();
    code.result = body(&mut code);
    Nest {
        free: vec![64, 32],
        reduce: vec![16],
        reducer: Some(Reducer::Sum),
        order: Order::Chain,
        piece_length: 16,
        domain: Guard::always(),
        accesses: vec![access(0, [(0, 16), (2, 1)]), access(1, [(2, 32), (1, 1)])],
        body: code,
        store: dlmc::kir::Store {
            buffer: 2,
            offset: Affine::new(0, [(0, 32), (1, 1)]),
            gathers: Vec::new(),
            accumulate: false,
        },
    }
}

#[test]
fn the_check_finds_contractions() {
    let plain = nest_of(|body| {
        let (a, b) = (body.push(Inst::Read(0)), body.push(Inst::Read(1)));
        body.op(Op::Mul, &[a, b])
    });
    assert!(contracts(&plain) && points(&plain) == 64 * 32 * 16);
    let rectified = nest_of(|body| {
        let (a, b) = (body.push(Inst::Read(0)), body.push(Inst::Read(1)));
        let product = body.op(Op::Mul, &[a, b]);
        body.op(Op::Max, &[product, a])
    });
    assert!(!contracts(&rectified), "not linear in its factors");
    let squares = nest_of(|body| {
        let a = body.push(Inst::Read(0));
        body.op(Op::Mul, &[a, a])
    });
    assert!(!contracts(&squares));
    let kernel = Kernel {
        name: "hidden".into(),
        buffers: vec![dlmc::base::types::DType::F32; 3],
        outer: 1,
        nests: vec![plain],
    };
    let schedule = Schedule {
        kernels: vec![kernel],
        ..Schedule::default()
    };
    assert!(hidden("program", &[schedule]).starts_with("program: "));
}
