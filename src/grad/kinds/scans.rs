//! Scans: one and two states, both directions, captured values of every way, nested loops, gradients within.
use super::{agree, check, i};
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::testing::gradients::{Case, formula};
use crate::testing::numbers::Numbers;
use crate::tir::build::map;
use crate::tir::{
    Body, Comprehension, Graph, Inst, Node, Op, Read, Reducer, Scan, Subscript, Value,
};

/// The operands of a scan.
struct Operands<'a> {
    length: usize,
    reverse: bool,
    states: &'a [Value],
    sequences: &'a [(Value, usize)],
    captured: &'a [Value],
    stacks: &'a [usize],
}

/// Adds a scan whose body is built from its inputs (without the turn: that is the first argument's input 0).
fn scan(
    graph: &mut Graph,
    operands: &Operands,
    build: impl FnOnce(&mut Graph, Value, &[Value]) -> Vec<Value>,
) -> Vec<Value> {
    let mut body = Graph::new();
    let turn = body.input("turn", Type::scalar(DType::I32));
    let mut inputs = Vec::new();
    for &value in operands.states {
        inputs.push(body.input("state", graph.ty(value).clone()));
    }
    for &(value, axis) in operands.sequences {
        let mut ty = graph.ty(value).clone();
        ty.shape.remove(axis);
        inputs.push(body.input("element", ty));
    }
    for &value in operands.captured {
        inputs.push(body.input("captured", graph.ty(value).clone()));
    }
    body.outputs = build(&mut body, turn, &inputs);
    let types = body
        .outputs
        .iter()
        .enumerate()
        .map(|(at, &output)| {
            let mut ty = body.ty(output).clone();
            if let Some(stack) = at.checked_sub(operands.states.len()) {
                ty.shape.insert(operands.stacks[stack], operands.length);
            }
            ty
        })
        .collect();
    let node = Scan {
        length: operands.length,
        reverse: operands.reverse,
        states: operands.states.to_vec(),
        sequences: operands.sequences.to_vec(),
        captured: operands.captured.to_vec(),
        stacks: operands.stacks.to_vec(),
        body: Box::new(body),
    };
    graph.add(Node::Scan(node), types, Span::default())
}

/// `a[n, k] @ b[k, j]`
fn matmul(graph: &mut Graph, a: Value, b: Value) -> Value {
    let (rows, inner) = (graph.ty(a).shape[0], graph.ty(a).shape[1]);
    let columns = graph.ty(b).shape[1];
    let reads = vec![(a, vec![i(0), i(2)]), (b, vec![i(2), i(1)])];
    let reduce: (&[usize], _) = (&[inner], Some(Reducer::Sum));
    formula(graph, &[rows, columns], reduce, reads, |body, r| {
        body.op(Op::Mul, &[r[0], r[1]])
    })
}

fn elementwise(graph: &mut Graph, op: Op, operands: &[Value]) -> Value {
    let shape = operands
        .iter()
        .map(|&value| graph.ty(value).shape.clone())
        .max_by_key(Vec::len)
        .unwrap_or_default();
    graph.elementwise(op, operands, &shape, Span::default())
}

/// `tanh(x_t @ W_x + h @ W_h + b)`
fn rnn_turn(body: &mut Graph, v: &[Value]) -> Value {
    let (h, x, w_x, w_h, b) = (v[0], v[1], v[2], v[3], v[4]);
    let from_x = matmul(body, x, w_x);
    let from_h = matmul(body, h, w_h);
    let sum = elementwise(body, Op::Add, &[from_x, from_h]);
    let sum = elementwise(body, Op::Add, &[sum, b]);
    elementwise(body, Op::Tanh, &[sum])
}

const RNN: [&[usize]; 5] = [&[2, 3], &[2, 4, 2], &[2, 3], &[3, 3], &[3]];

fn rnn(graph: &mut Graph, x: &[Value], reverse: bool) -> Vec<Value> {
    let operands = Operands {
        length: 4,
        reverse,
        states: &x[..1],
        sequences: &[(x[1], 1)],
        captured: &x[2..],
        stacks: &[1],
    };
    scan(graph, &operands, |body, _, v| {
        let next = rnn_turn(body, v);
        vec![next, next]
    })
}

#[test]
fn rnn_in_both_directions() {
    for reverse in [false, true] {
        check(&RNN, |graph, x| rnn(graph, x, reverse));
    }
}

#[test]
fn only_the_last_state_or_only_the_stack_is_used() {
    for result in [0, 1] {
        check(&RNN, |graph, x| vec![rnn(graph, x, false)[result]]);
    }
}

#[test]
fn weights_of_a_recurrence_have_one_product_outside_the_loop() {
    let mut graph = Graph::new();
    let x: Vec<Value> = RNN
        .iter()
        .map(|&shape| graph.input("x", Type::new(DType::F32, shape)))
        .collect();
    let stack = rnn(&mut graph, &x, false)[1];
    let loss = graph.reduce(Reducer::Sum, stack, &[0, 1, 2], Span::default());
    let types = x.iter().map(|&value| graph.ty(value).clone()).collect();
    let node = Node::Gradient {
        of: loss,
        with_respect_to: x.clone(),
    };
    graph.outputs = graph.add(node, types, Span::default());
    let expanded = crate::grad::expand(&graph).unwrap();
    let definition = |at: usize| -> &Comprehension {
        match &expanded.defining(expanded.outputs[at]).node {
            Node::Comprehension(c) => c,
            other => panic!("{other:?}\n{expanded}"),
        }
    };
    // The gradients by x, W_x and W_h are products; the latter two sum over turns and batch at once.
    assert!(
        (1..4).all(|at| definition(at).as_product().is_some()),
        "{expanded}"
    );
    assert_eq!(definition(1).shape, [2, 4, 2]);
    assert_eq!(
        (
            definition(2).reduce.as_slice(),
            definition(3).reduce.as_slice()
        ),
        (&[4, 2][..], &[4, 2][..])
    );
    // The backward loop holds one product, and the forward one stacks the previous states (its tanh is stacked already).
    let scans: Vec<&Scan> = expanded
        .nodes()
        .filter_map(|(_, data)| match &data.node {
            Node::Scan(scan) => Some(scan),
            _ => None,
        })
        .collect();
    let products = |scan: &Scan| {
        scan.body
            .nodes()
            .filter(|(_, data)| matches!(&data.node, Node::Comprehension(c) if c.as_product().is_some()))
            .count()
    };
    assert_eq!(scans.len(), 2);
    assert_eq!(
        (products(scans[0]), scans[0].stacks.len()),
        (2, 2),
        "{expanded}"
    );
    assert_eq!(
        (products(scans[1]), scans[1].stacks.len()),
        (1, 1),
        "{expanded}"
    );
}

#[test]
fn lstm_with_two_states() {
    for reverse in [false, true] {
        // h, c, x, W (for all four gates), U, b
        let shapes: [&[usize]; 6] = [&[2, 3], &[2, 3], &[5, 2, 2], &[2, 12], &[3, 12], &[12]];
        check(&shapes, |graph, x| {
            let operands = Operands {
                length: 5,
                reverse,
                states: &x[..2],
                sequences: &[(x[2], 0)],
                captured: &x[3..],
                stacks: &[0],
            };
            scan(graph, &operands, |body, _, v| {
                let from_x = matmul(body, v[2], v[3]);
                let from_h = matmul(body, v[0], v[4]);
                let sum = elementwise(body, Op::Add, &[from_x, from_h]);
                let sum = elementwise(body, Op::Add, &[sum, v[5]]);
                let gate = |body: &mut Graph, number: i64, op: Op| {
                    let place = i(1).plus_constant(3 * number);
                    let reads = vec![(sum, vec![i(0), place])];
                    formula(body, &[2, 3], (&[], None), reads, |code, r| {
                        code.op(op, &[r[0]])
                    })
                };
                let input = gate(body, 0, Op::Sigmoid);
                let forget = gate(body, 1, Op::Sigmoid);
                let cell = gate(body, 2, Op::Tanh);
                let output = gate(body, 3, Op::Sigmoid);
                let kept = elementwise(body, Op::Mul, &[forget, v[1]]);
                let added = elementwise(body, Op::Mul, &[input, cell]);
                let c = elementwise(body, Op::Add, &[kept, added]);
                let squashed = elementwise(body, Op::Tanh, &[c]);
                let h = elementwise(body, Op::Mul, &[output, squashed]);
                vec![h, c, h]
            })
        });
    }
}

#[test]
fn iteration_without_a_sequence() {
    for length in [0, 1, 4] {
        check(&[&[3], &[3]], |graph, x| {
            let operands = Operands {
                length,
                reverse: false,
                states: &x[..1],
                sequences: &[],
                captured: &x[1..],
                stacks: &[0],
            };
            scan(graph, &operands, |body, turn, v| {
                let sine = elementwise(body, Op::Sin, &[v[0]]);
                let product = elementwise(body, Op::Mul, &[sine, v[1]]);
                let turn = elementwise(body, Op::ToF32, &[turn]);
                let next = elementwise(body, Op::Add, &[product, turn]);
                vec![next, sine]
            })
        });
    }
}

#[test]
fn states_that_only_sum_and_states_that_nothing_reads() {
    // s' = s + x_t * p, p' = 2 p, n' = n + 1 (an i32)
    check(&[&[2], &[2], &[3, 2]], |graph, x| {
        let count = graph.splat(DType::I32, 0.0, &[], Span::default());
        let operands = Operands {
            length: 3,
            reverse: false,
            states: &[x[0], x[1], count],
            sequences: &[(x[2], 0)],
            captured: &[],
            stacks: &[],
        };
        let results = scan(graph, &operands, |body, _, v| {
            let product = elementwise(body, Op::Mul, &[v[3], v[1]]);
            let sum = elementwise(body, Op::Add, &[v[0], product]);
            let double = elementwise(body, Op::Add, &[v[1], v[1]]);
            let one = body.splat(DType::I32, 1.0, &[], Span::default());
            let count = elementwise(body, Op::Add, &[v[2], one]);
            vec![sum, double, count]
        });
        vec![results[0]]
    });
}

#[test]
fn a_table_is_gathered_by_the_turn_and_by_a_sequence() {
    let mut graph = Graph::new();
    let mut numbers = Numbers::new(8);
    let types = [
        Type::new(DType::F32, [6, 2]),
        Type::new(DType::F32, [2]),
        Type::new(DType::I32, [4]),
    ];
    let values: Vec<Value> = types
        .iter()
        .map(|ty| graph.input("x", ty.clone()))
        .collect();
    let inputs = types
        .iter()
        .map(|ty| {
            let dtype = if ty.dtype == DType::F32 {
                DType::F64
            } else {
                ty.dtype
            };
            numbers.tensor(&Type::new(dtype, ty.shape.clone()), (-1.0, 1.0), 6)
        })
        .collect();
    let operands = Operands {
        length: 4,
        reverse: false,
        states: &values[1..2],
        sequences: &[(values[2], 0)],
        captured: &values[..1],
        stacks: &[1],
    };
    graph.outputs = scan(&mut graph, &operands, |body, turn, v| {
        let row = |index: Value| {
            vec![
                Read::affine(index, DType::I32, []),
                Read {
                    subscripts: vec![Subscript::Gather(0), Subscript::Affine(i(0))],
                    ..Read::affine(v[2], DType::F32, [])
                },
            ]
        };
        let mut found = Vec::new();
        for index in [turn, v[1]] {
            let mut code = Body::default();
            let read = code.push(Inst::Read(1));
            code.result = code.op(Op::Sin, &[read]);
            let row = map(&[2], row(index), code, DType::F32);
            found.push(body.comprehension(row, Span::default()));
        }
        let sum = elementwise(body, Op::Mul, &found);
        let next = elementwise(body, Op::Add, &[v[0], sum]);
        let next = elementwise(body, Op::Tanh, &[next]);
        vec![next, next]
    });
    agree(&Case { graph, inputs });
}

#[test]
fn maxima_products_and_reshapes_in_a_body() {
    check(&[&[4], &[3, 2, 2], &[2, 2]], |graph, x| {
        let operands = Operands {
            length: 3,
            reverse: true,
            states: &x[..1],
            sequences: &[(x[1], 0)],
            captured: &x[2..],
            stacks: &[],
        };
        scan(graph, &operands, |body, _, v| {
            let square = Type::new(DType::F32, [2, 2]);
            let state = body.add(Node::Reshape(v[0]), vec![square], Span::default())[0];
            let mixed = elementwise(body, Op::Mul, &[state, v[1]]);
            let mixed = elementwise(body, Op::Add, &[mixed, v[2]]);
            let largest = body.reduce(Reducer::Max, mixed, &[1], Span::default());
            let product = body.reduce(Reducer::Prod, mixed, &[0], Span::default());
            let joined = Type::new(DType::F32, [4]);
            let parts = Node::Concat(vec![largest, product], 0);
            vec![body.add(parts, vec![joined], Span::default())[0]]
        })
    });
}

#[test]
fn a_captured_value_that_is_reshaped_by_turns() {
    // The reshape depends on the turn's value, so that its gradient cannot leave the loop by its definition.
    check(&[&[2], &[4]], |graph, x| {
        let operands = Operands {
            length: 3,
            reverse: false,
            states: &x[..1],
            sequences: &[],
            captured: &x[1..],
            stacks: &[],
        };
        scan(graph, &operands, |body, _, v| {
            let joined = Type::new(DType::F32, [6]);
            let joined = body.add(
                Node::Concat(vec![v[0], v[1]], 0),
                vec![joined],
                Span::default(),
            )[0];
            let square = Type::new(DType::F32, [2, 3]);
            let square = body.add(Node::Reshape(joined), vec![square], Span::default())[0];
            let sine = elementwise(body, Op::Sin, &[square]);
            vec![body.reduce(Reducer::Sum, sine, &[1], Span::default())]
        })
    });
}

#[test]
fn a_scan_in_a_scan() {
    check(&[&[2], &[3, 2], &[2, 2], &[4, 2]], |graph, x| {
        let operands = Operands {
            length: 3,
            reverse: false,
            states: &x[..1],
            sequences: &[(x[1], 0)],
            captured: &x[2..],
            stacks: &[0],
        };
        scan(graph, &operands, |body, _, v| {
            let inner = Operands {
                length: 4,
                reverse: true,
                states: &v[..1],
                sequences: &[(v[3], 0)],
                captured: &[v[2], v[1]],
                stacks: &[],
            };
            let inner = scan(body, &inner, |body, _, w| {
                let reads = vec![(w[0], vec![i(1)]), (w[2], vec![i(1), i(0)])];
                let reduce: (&[usize], _) = (&[2], Some(Reducer::Sum));
                let product = formula(body, &[2], reduce, reads, |code, r| {
                    code.op(Op::Mul, &[r[0], r[1]])
                });
                let sum = elementwise(body, Op::Add, &[product, w[1]]);
                let sum = elementwise(body, Op::Mul, &[sum, w[3]]);
                vec![elementwise(body, Op::Tanh, &[sum])]
            });
            vec![inner[0], inner[0]]
        })
    });
}

#[test]
fn a_gradient_within_a_scan() {
    // z' = z - 0.1 d/dz sum(sin(z) a)
    check(&[&[3], &[3]], |graph, x| {
        let operands = Operands {
            length: 3,
            reverse: false,
            states: &x[..1],
            sequences: &[],
            captured: &x[1..],
            stacks: &[],
        };
        scan(graph, &operands, |body, _, v| {
            let sine = elementwise(body, Op::Sin, &[v[0]]);
            let product = elementwise(body, Op::Mul, &[sine, v[1]]);
            let of = body.reduce(Reducer::Sum, product, &[0], Span::default());
            let node = Node::Gradient {
                of,
                with_respect_to: vec![v[0]],
            };
            let slope = body.add(node, vec![Type::new(DType::F32, [3])], Span::default())[0];
            let rate = body.splat(DType::F32, -0.1, &[], Span::default());
            let step = elementwise(body, Op::Mul, &[slope, rate]);
            vec![elementwise(body, Op::Add, &[v[0], step])]
        })
    });
}

#[test]
fn what_depends_on_captured_values_alone_leaves_the_loop() {
    check(&[&[2, 3], &[3, 3]], |graph, x| {
        let operands = Operands {
            length: 3,
            reverse: false,
            states: &x[..1],
            sequences: &[],
            captured: &x[1..],
            stacks: &[],
        };
        scan(graph, &operands, |body, _, v| {
            let weights = elementwise(body, Op::Tanh, &[v[1]]);
            let product = matmul(body, v[0], weights);
            vec![elementwise(body, Op::Sin, &[product])]
        })
    });
}
