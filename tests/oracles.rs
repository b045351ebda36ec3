//! Values and gradients of 78 operators against PyTorch's own (`tests/oracles/README.md`): every case of the table, by the reference
//! interpreter in f64, and by compiled code in f64 and in f32. `tests/oracles/table.txt` says of each case that it passes, or why it is not
//! supported; `DLMC_WRITE_TABLE=1` writes it anew.
use dlmc::base::data::{DataError, DataProvider, DataSet, DataSpec, Table};
use dlmc::base::source::Sources;
use dlmc::base::tensor::{Elements, Tensor};
use dlmc::base::types::DType;
use dlmc::check::program::{Instr, Piece, Program, SlotId};
use dlmc::check::{CheckOptions, check};
use dlmc::grad;
use dlmc::interp::{self, Precision};
use dlmc::runtime::contraction::Cpu;
use dlmc::syntax::parse::parse;
use dlmc::train::Machine;
use dlmc::train::compile::{CompileOptions, compile};
use npyz::NpyFile;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zip::ZipArchive;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles")
}

/// A row of the table.
struct Case {
    id: String,
    status: String,
    program: String,
    /// Names and arrays: of inputs, outputs, cotangents and gradients.
    inputs: Vec<(String, String)>,
    outputs: Vec<(String, String)>,
    cotangents: Vec<(String, String)>,
    gradients: Vec<(String, String)>,
}

fn pairs(text: &str) -> Vec<(String, String)> {
    text.split_whitespace()
        .map(|pair| {
            let (name, array) = pair.split_once('=').expect("name=array");
            (name.to_string(), array.to_string())
        })
        .collect()
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("cases.tsv")).expect("the table");
    text.lines()
        .skip(1)
        .map(|line| {
            let mut columns = line.split('\t').map(str::to_string);
            let mut next = || columns.next().unwrap_or_default();
            let (id, _operator, status, program) = (next(), next(), next(), next());
            Case {
                id,
                status,
                program,
                inputs: pairs(&next()),
                outputs: pairs(&next()),
                cotangents: pairs(&next()),
                gradients: pairs(&next()),
            }
        })
        .collect()
}

type Arrays = BTreeMap<String, Tensor>;

fn arrays() -> Arrays {
    let file = std::fs::File::open(folder().join("dev.npz")).expect("the arrays");
    let mut archive = ZipArchive::new(file).expect("an archive");
    let names: Vec<String> = archive.file_names().map(str::to_string).collect();
    let mut arrays = Arrays::new();
    for name in names {
        let array = NpyFile::new(archive.by_name(&name).expect("there")).expect("readable");
        let name = name.trim_end_matches(".npy").to_string();
        let shape: Vec<usize> = array.shape().iter().map(|&size| size as usize).collect();
        let columns_first = array.order() == npyz::Order::Fortran;
        let kind = array.dtype().descr();
        let elements = match kind.trim_matches(|c: char| "'\"<|>".contains(c)) {
            "f8" => Elements::F64(array.into_vec().expect("numbers")),
            "i8" => {
                let numbers: Vec<i64> = array.into_vec().expect("integers");
                let small = |number| i32::try_from(number).expect("small integers");
                Elements::I32(numbers.into_iter().map(small).collect())
            }
            "b1" => {
                let bits: Vec<bool> = array.into_vec().expect("truth values");
                Elements::Bool(bits.into_iter().map(u8::from).collect())
            }
            other => panic!("{name} is of type {other}"),
        };
        let elements = if columns_first {
            match elements {
                Elements::F64(numbers) => Elements::F64(rows_first(&shape, &numbers)),
                other => panic!("{name} is stored by columns: {other:?}"),
            }
        } else {
            elements
        };
        let tensor = Tensor::new(shape, elements).expect("as many as the shape");
        arrays.insert(name, tensor);
    }
    arrays
}

/// Elements stored with the first index running fastest, with the last one running fastest.
fn rows_first(shape: &[usize], stored: &[f64]) -> Vec<f64> {
    let position = |mut at: usize| {
        let mut index = vec![0; shape.len()];
        for axis in (0..shape.len()).rev() {
            index[axis] = at % shape[axis];
            at /= shape[axis];
        }
        (0..shape.len())
            .rev()
            .fold(0, |position, axis| position * shape[axis] + index[axis])
    };
    (0..stored.len()).map(|at| stored[position(at)]).collect()
}

/// A tensor with its floats as this type.
fn in_type(tensor: &Tensor, float: DType) -> Tensor {
    match (tensor.elements(), float) {
        (Elements::F64(numbers), DType::F32) => {
            let elements = Elements::F32(numbers.iter().map(|&number| number as f32).collect());
            Tensor::new(tensor.shape(), elements).expect("the same shape")
        }
        _ => tensor.clone(),
    }
}

/// Gives a case's arrays as the fields of a data set.
struct CaseData(Arc<DataSet>);

impl DataProvider for CaseData {
    fn open(&mut self, _: &DataSpec) -> Result<Arc<DataSet>, DataError> {
        Ok(self.0.clone())
    }

    fn source(&mut self, _: &str, path: &str) -> Result<(String, String), DataError> {
        panic!("no case imports {path}")
    }
}

fn text_of(case: &Case) -> String {
    let mut text = String::from("let case = npz(\"case.npz\")\n");
    for (name, _) in &case.inputs {
        let _ = writeln!(text, "let {name} = case.{name}");
    }
    for statement in case.program.split("; ") {
        let _ = writeln!(text, "{statement}");
    }
    let terms: Vec<String> = case
        .cotangents
        .iter()
        .map(|(name, _)| format!("sum({name} * case.cotangent_{name})"))
        .collect();
    for (name, _) in &case.outputs {
        let _ = writeln!(text, "print {name}");
    }
    for (name, _) in &case.gradients {
        let _ = writeln!(text, "print grad({}, {name})", terms.join(" + "));
    }
    text
}

fn program_of(case: &Case, arrays: &Arrays, float: DType) -> Result<Program, String> {
    let fields = case
        .inputs
        .iter()
        .map(|(name, array)| (name.clone(), array))
        .chain(
            case.cotangents
                .iter()
                .map(|(name, array)| (format!("cotangent_{name}"), array)),
        )
        .map(|(name, array)| (name, in_type(&arrays[array], float)))
        .collect();
    let data = DataSet {
        parts: vec![(String::new(), Arc::new(Table { fields }))],
        ..DataSet::default()
    };
    let mut sources = Sources::default();
    let file = sources.add("case.dlm", text_of(case).as_str());
    let (tree, mut said) = parse(&sources, file);
    let options = CheckOptions {
        float,
        ..CheckOptions::default()
    };
    let (program, more) = check(&tree, &mut sources, &mut CaseData(Arc::new(data)), &options);
    said.extend(more);
    program.ok_or_else(|| {
        let messages: Vec<&str> = said.iter().map(|said| said.message.as_str()).collect();
        format!("does not check: {}", messages.join("; "))
    })
}

/// The slots that the program prints, in order.
fn printed(program: &Program) -> Vec<SlotId> {
    let pieces = program.code.iter().filter_map(|instr| match instr {
        Instr::Print(pieces) => Some(pieces),
        _ => None,
    });
    pieces
        .flatten()
        .filter_map(|piece| match piece {
            Piece::Value { slot, .. } => Some(*slot),
            Piece::Text(_) | Piece::Characters { .. } => None,
        })
        .collect()
}

/// What the program prints, by the reference interpreter.
fn interpreted(program: &Program) -> Result<Vec<Tensor>, String> {
    let mut slots: BTreeMap<SlotId, Tensor> = BTreeMap::new();
    for (at, slot) in program.slots.iter().enumerate() {
        let field = slot.field.as_ref().and_then(|field| program.field(field));
        if let Some(known) = slot.initial.as_ref().or(field) {
            slots.insert(SlotId(at as u32), known.clone());
        }
    }
    for instr in &program.code {
        match instr {
            Instr::Run(graph) => {
                let step = &program.graphs[*graph];
                let expanded = grad::expand(&step.graph).map_err(|error| format!("{error:?}"))?;
                let inputs: Vec<Tensor> =
                    step.inputs.iter().map(|slot| slots[slot].clone()).collect();
                let values = interp::run(&expanded, &inputs, Precision::AsTyped)
                    .map_err(|error| error.to_string())?;
                slots.extend(step.outputs.iter().copied().zip(values));
            }
            Instr::Print(_) => {}
            other => return Err(format!("a case has no {other:?}")),
        }
    }
    Ok(printed(program)
        .iter()
        .map(|slot| slots[slot].clone())
        .collect())
}

/// What the program prints, by compiled code.
fn compiled(program: Program) -> Result<Vec<Tensor>, String> {
    let options = CompileOptions {
        skip: Vec::new(),
        cpu: Cpu::detect(),
        threads: 1,
    };
    let compiled = compile(&program, &options).map_err(|error| error.diagnostic.message.clone())?;
    let program = Arc::new(program);
    let resolve = Arc::new(|path: &str| panic!("no case opens {path}"));
    let mut machine = Machine::new(program.clone(), Arc::new(compiled), resolve)
        .map_err(|error| error.diagnostic.message.clone())?;
    machine
        .run(&mut |_, _| true)
        .map_err(|error| error.diagnostic.message.clone())?;
    Ok(printed(&program)
        .iter()
        .map(|slot| machine.value(*slot))
        .collect())
}

/// Compares what was found with PyTorch's arrays, absolutely and relatively to the greatest magnitude or to each element.
fn compare(
    case: &Case,
    arrays: &Arrays,
    found: &[Tensor],
    how: &str,
    near: &dyn Fn(f64, f64, f64) -> bool,
) -> Result<(), String> {
    let wanted = case.outputs.iter().chain(&case.gradients);
    for ((name, array), found) in wanted.zip(found) {
        let expected = match array.as_str() {
            "zero" => vec![0.0; found.len()],
            array => arrays[array].to_f64(),
        };
        let found = found.to_f64();
        if expected.len() != found.len() {
            return Err(format!(
                "{how}: {name} has {} elements, not {}",
                found.len(),
                expected.len()
            ));
        }
        let most = expected
            .iter()
            .filter(|x| x.is_finite())
            .fold(0.0_f64, |most, x| most.max(x.abs()));
        for (at, (&e, &f)) in expected.iter().zip(&found).enumerate() {
            let same = e == f || (e.is_nan() && f.is_nan()) || near(e, f, most);
            if !same {
                return Err(format!("{how}: {name}[{at}] is {f:e}, PyTorch has {e:e}"));
            }
        }
    }
    Ok(())
}

fn outcome(case: &Case, arrays: &Arrays) -> Result<(), String> {
    let exact = |e: f64, f: f64, _: f64| (e - f).abs() <= 1e-10 + 1e-9 * e.abs();
    let program = program_of(case, arrays, DType::F64)?;
    compare(
        case,
        arrays,
        &interpreted(&program)?,
        "interpreted f64",
        &exact,
    )?;
    compare(case, arrays, &compiled(program)?, "compiled f64", &exact)?;
    let single = |e: f64, f: f64, most: f64| (e - f).abs() <= 2e-4 * most.max(1.0);
    let program = program_of(case, arrays, DType::F32)?;
    compare(case, arrays, &compiled(program)?, "compiled f32", &single)
}

#[test]
fn every_case_agrees_with_pytorch() {
    let (cases, arrays) = (cases(), arrays());
    assert_eq!(cases.len(), 302);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let outcomes: Vec<std::sync::Mutex<String>> =
        cases.iter().map(|_| Default::default()).collect();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(case) = cases.get(at) else { break };
                    let said = match case.status.as_str() {
                        "run" => match outcome(case, &arrays) {
                            Ok(()) => "passes".to_string(),
                            Err(why) => format!("FAILS: {why}"),
                        },
                        status => status.to_string(),
                    };
                    *outcomes[at].lock().expect("no panic") = format!("{}\t{said}\n", case.id);
                }
            });
        }
    });
    let table: String = outcomes
        .into_iter()
        .map(|line| line.into_inner().expect("no panic"))
        .collect();
    let path = folder().join("table.txt");
    if std::env::var_os("DLMC_WRITE_TABLE").is_some() {
        std::fs::write(&path, &table).expect("written");
    }
    let failures: Vec<&str> = table
        .lines()
        .filter(|line| line.contains("FAILS"))
        .collect();
    assert!(
        failures.is_empty(),
        "{} cases fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
    let golden = std::fs::read_to_string(&path).expect("the table of outcomes");
    assert!(
        golden == table,
        "tests/oracles/table.txt is another: DLMC_WRITE_TABLE=1 writes it"
    );
}
