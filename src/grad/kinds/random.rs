//! Gradients of random graphs.
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::DType;
use crate::testing::generate::{Feature, generate};
use crate::testing::gradients::{Case, compare};

fn widened(tensor: &Tensor) -> Tensor {
    match tensor.dtype() {
        DType::F32 => Tensor::new(tensor.shape(), Elements::F64(tensor.to_f64())).unwrap(),
        DType::F64 | DType::I32 | DType::Bool | DType::U8 => tensor.clone(),
    }
}

#[test]
fn gradients_of_random_graphs_agree_with_differences() {
    let mut counts = [0; Feature::ALL.len()];
    let mut failures = Vec::new();
    for seed in 1..=80 {
        let generated = generate(seed, 6);
        let inputs = generated.inputs.iter().map(widened).collect();
        let case = Case {
            graph: generated.graph,
            inputs,
        };
        match compare(&case, seed, 2) {
            Err(why) => failures.push(format!("seed {seed}: {why}")),
            Ok(comparisons) => {
                for (at, comparison) in comparisons.iter().enumerate() {
                    if !comparison.agrees(1e-4) {
                        let order = at + 1;
                        let what =
                            format!("seed {seed}, order {order}: {comparison:?}\n{}", case.graph);
                        failures.push(what);
                    }
                }
            }
        }
        for (total, count) in counts.iter_mut().zip(generated.counts) {
            *total += count;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    for (feature, count) in Feature::ALL.iter().zip(counts) {
        assert!(count >= 5, "{feature:?} occurred {count} times");
    }
}
