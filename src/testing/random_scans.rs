//! Random scans: over rows with products of sequences, with tables, nested, with a gradient inside.
use super::*;

fn matrix(rows: usize, columns: usize) -> Type {
    Type::new(DType::F32, [rows, columns])
}

fn matmul(graph: &mut Graph, a: Value, b: Value) -> Value {
    let (x, y) = (graph.ty(a).shape.clone(), graph.ty(b).shape.clone());
    let reads = vec![plain(a, &[0, 2]), plain(b, &[2, 1])];
    comprehension(
        graph,
        (&[x[0], y[1]], &[x[1]], SUM),
        Guard::always(),
        reads,
        product,
    )
}

/// `h' = tanh(x_t W + h U + b)`, `s' = s + sum[j] h'[n, j] V[n, j] / 4` over rows: hoisted and lifted products, a state that only sums.
pub fn scan_of_products(m: &mut Maker) -> Option<Value> {
    let sequence = m.of_rank(3)?;
    let shape = m.shape(sequence);
    let axis = m.rng.below(3);
    let mut rest = shape.clone();
    let length = rest.remove(axis);
    let (n, d, h) = (rest[0], rest[1], 1 + m.rng.below(3));
    let states = vec![
        m.input(matrix(n, h), -1.0, 1.0),
        m.input(Type::new(DType::F32, [n]), -1.0, 1.0),
    ];
    let captured = vec![
        m.input(matrix(d, h), -1.0, 1.0),
        m.input(matrix(h, h), -1.0, 1.0),
        m.input(Type::new(DType::F32, [h]), -1.0, 1.0),
        m.input(matrix(n, h), -1.0, 1.0),
    ];
    let mut body = Graph::new();
    let turn = body.input("turn", Type::scalar(DType::I32));
    let state = body.input("h", matrix(n, h));
    let sum = body.input("s", Type::new(DType::F32, [n]));
    let x = body.input("x", matrix(n, d));
    let w = body.input("w", matrix(d, h));
    let u = body.input("u", matrix(h, h));
    let b = body.input("b", Type::new(DType::F32, [h]));
    let v = body.input("v", matrix(n, h));
    let (first, second) = (matmul(&mut body, x, w), matmul(&mut body, state, u));
    let reads = vec![
        plain(first, &[0, 1]),
        plain(second, &[0, 1]),
        plain(b, &[1]),
        Read::affine(turn, DType::I32, []),
    ];
    let new = comprehension(
        &mut body,
        (&[n, h], &[], None),
        Guard::always(),
        reads,
        |b, r| {
            let z = b.op(Op::Add, &[r[0], r[1]]);
            let zero = b.constant(DType::I32, 0.0);
            let later = b.op(Op::Lt, &[zero, r[3]]);
            let none = b.constant(DType::F32, 0.0);
            let bias = b.op(Op::Select, &[later, r[2], none]);
            let z = b.op(Op::Add, &[z, bias]);
            tanh(b, z)
        },
    );
    let reads = vec![plain(new, &[0, 1]), plain(v, &[0, 1])];
    let dots = comprehension(
        &mut body,
        (&[n], &[h], SUM),
        Guard::always(),
        reads,
        product,
    );
    let next = body.elementwise(Op::Add, &[sum, dots], &[n], Span::default());
    body.outputs = vec![new, next, new];
    let place = m.rng.below(3);
    let mut stacked = vec![n, h];
    stacked.insert(place, length);
    let types = vec![
        matrix(n, h),
        Type::new(DType::F32, [n]),
        Type::new(DType::F32, stacked),
    ];
    let scan = Scan {
        length,
        reverse: m.rng.chance(0.5),
        states,
        sequences: vec![(sequence, axis)],
        captured,
        stacks: vec![place],
        body: Box::new(body),
    };
    let results = m.graph.add(Node::Scan(scan), types, Span::default());
    m.pool.push(results[1]);
    Some(m.rng.pick(&[results[0], results[2]]))
}

/// Each turn reads the table's row of that turn and the row that an id names: `h' = sin(h T[t] + T[ids_t])`.
pub fn scan_with_table(m: &mut Maker) -> Option<Value> {
    let table = m.of_rank(2)?;
    let shape = m.shape(table);
    let (length, width) = (shape[0].min(5), shape[1]);
    let vector = Type::new(DType::F32, [width]);
    let state = m.input(vector.clone(), -1.0, 1.0);
    let ids = m.input(Type::new(DType::I32, [length]), 0.0, shape[0] as f64);
    let mut body = Graph::new();
    let turn = body.input("turn", Type::scalar(DType::I32));
    let h = body.input("h", vector.clone());
    let id = body.input("id", Type::scalar(DType::I32));
    let t = body.input("table", Type::new(DType::F32, shape));
    let row = |by: u32| {
        gathered(
            t,
            vec![Subscript::Gather(by), Subscript::Affine(Affine::index(0))],
        )
    };
    let reads = vec![
        Read::affine(turn, DType::I32, []),
        Read::affine(id, DType::I32, []),
        plain(h, &[0]),
        row(0),
        row(1),
    ];
    let new = comprehension(
        &mut body,
        (&[width], &[], None),
        Guard::always(),
        reads,
        |b, r| {
            let product = b.op(Op::Mul, &[r[2], r[3]]);
            let sum = b.op(Op::Add, &[product, r[4]]);
            b.op(Op::Sin, &[sum])
        },
    );
    body.outputs = vec![new, new];
    let stack = Type::new(DType::F32, [length, width]);
    let scan = Scan {
        length,
        reverse: m.rng.chance(0.5),
        states: vec![state],
        sequences: vec![(ids, 0)],
        captured: vec![table],
        stacks: vec![0],
        body: Box::new(body),
    };
    Some(
        m.graph
            .add(Node::Scan(scan), vec![vector, stack], Span::default())[1],
    )
}

/// The inner scan `g' = tanh(g x)` over a captured vector, inside `h' = g'(h) * y_t`.
pub fn scan_in_scan(m: &mut Maker) -> Option<Value> {
    let (outer, inner) = (m.of_rank(1)?, m.of_rank(1)?);
    let (length, turns) = (m.shape(outer)[0].min(4), m.shape(inner)[0]);
    if length != m.shape(outer)[0] || turns > 4 {
        return None;
    }
    let scalar = Type::scalar(DType::F32);
    let state = m.input(scalar.clone(), -1.0, 1.0);
    let step = |op: Op| {
        let mut body = Graph::new();
        body.input("turn", Type::scalar(DType::I32));
        let g = body.input("g", Type::scalar(DType::F32));
        let x = body.input("x", Type::scalar(DType::F32));
        let product = body.elementwise(Op::Mul, &[g, x], &[], Span::default());
        let bent = body.elementwise(op, &[product], &[], Span::default());
        body.outputs = vec![bent, bent];
        body
    };
    let mut body = Graph::new();
    body.input("turn", Type::scalar(DType::I32));
    let h = body.input("h", scalar.clone());
    let y = body.input("y", scalar.clone());
    let all = body.input("x", Type::new(DType::F32, [turns]));
    let scan = Scan {
        length: turns,
        reverse: m.rng.chance(0.5),
        states: vec![h],
        sequences: vec![(all, 0)],
        captured: vec![],
        stacks: vec![0],
        body: Box::new(step(Op::Tanh)),
    };
    let stack = Type::new(DType::F32, [turns]);
    let results = body.add(
        Node::Scan(scan),
        vec![scalar.clone(), stack],
        Span::default(),
    );
    let sum = body.reduce(Reducer::Sum, results[1], &[0], Span::default());
    let both = body.elementwise(Op::Add, &[results[0], sum], &[], Span::default());
    let new = body.elementwise(Op::Mul, &[both, y], &[], Span::default());
    body.outputs = vec![new, new];
    let scan = Scan {
        length,
        reverse: m.rng.chance(0.5),
        states: vec![state],
        sequences: vec![(outer, 0)],
        captured: vec![inner],
        stacks: vec![0],
        body: Box::new(body),
    };
    let stack = Type::new(DType::F32, [length]);
    Some(
        m.graph
            .add(Node::Scan(scan), vec![scalar, stack], Span::default())[1],
    )
}

/// Steps of gradient descent, `p' = p - 0.1 d/dp sum(sin(p * x_t) w)`: a gradient inside the loop, differentiated through.
pub fn gradient_in_scan(m: &mut Maker) -> Option<Value> {
    let sequence = m.of_rank(2)?;
    let shape = m.shape(sequence);
    let (length, width) = (shape[0], shape[1]);
    if length > 5 {
        return None;
    }
    let vector = Type::new(DType::F32, [width]);
    let (state, weights) = (
        m.input(vector.clone(), -1.0, 1.0),
        m.input(vector.clone(), -1.0, 1.0),
    );
    let mut body = Graph::new();
    body.input("turn", Type::scalar(DType::I32));
    let p = body.input("p", vector.clone());
    let x = body.input("x", vector.clone());
    let w = body.input("w", vector.clone());
    let reads = vec![plain(p, &[0]), plain(x, &[0]), plain(w, &[0])];
    let loss = comprehension(
        &mut body,
        (&[], &[width], SUM),
        Guard::always(),
        reads,
        |b, r| {
            let product = b.op(Op::Mul, &[r[0], r[1]]);
            let bent = b.op(Op::Sin, &[product]);
            b.op(Op::Mul, &[bent, r[2]])
        },
    );
    let node = Node::Gradient {
        of: loss,
        with_respect_to: vec![p],
    };
    let slope = body.add(node, vec![vector.clone()], Span::default())[0];
    let reads = vec![plain(p, &[0]), plain(slope, &[0])];
    let new = comprehension(
        &mut body,
        (&[width], &[], None),
        Guard::always(),
        reads,
        |b, r| {
            let rate = b.constant(DType::F32, 0.1);
            let step = b.op(Op::Mul, &[rate, r[1]]);
            b.op(Op::Sub, &[r[0], step])
        },
    );
    body.outputs = vec![new];
    let scan = Scan {
        length,
        reverse: false,
        states: vec![state],
        sequences: vec![(sequence, 0)],
        captured: vec![weights],
        stacks: vec![],
        body: Box::new(body),
    };
    Some(m.graph.add(Node::Scan(scan), vec![vector], Span::default())[0])
}
