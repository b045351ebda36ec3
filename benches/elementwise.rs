//! Speed of generated loops against copying memory, in one run: `cargo bench --bench elementwise`.
use dlmc::base::types::DType;
use dlmc::jit::{CompiledKernel, Options, compile};
use dlmc::kir::{Access, Kernel, Nest, STATUS_FINE, Status, Store};
use dlmc::tir::{Affine, Body, Guard, Inst, Literal, Op, Order, Reducer};
use std::time::Instant;

fn access(buffer: u32, offset: Affine) -> Access {
    Access {
        buffer,
        offset,
        gathers: Vec::new(),
        guard: Guard::always(),
        fill: Literal {
            dtype: DType::F32,
            value: 0.0,
        },
    }
}

fn nest(free: &[usize], accesses: Vec<Access>, body: Body, target: u32, offset: Affine) -> Nest {
    Nest {
        free: free.to_vec(),
        reduce: Vec::new(),
        reducer: None,
        order: Order::Chain,
        piece_length: 4096,
        domain: Guard::always(),
        accesses,
        body,
        store: Store {
            buffer: target,
            offset,
            gathers: Vec::new(),
            accumulate: false,
        },
    }
}

fn kernel(name: &str, buffers: usize, nests: Vec<Nest>) -> Kernel {
    Kernel {
        name: name.into(),
        buffers: vec![DType::F32; buffers],
        outer: 1,
        nests,
    }
}

/// `f(b0[i], b1[i], ...)` into the last buffer.
fn elementwise(
    name: &str,
    n: usize,
    reads: u32,
    make: impl Fn(&mut Body, &[u32]) -> u32,
) -> Kernel {
    let mut body = Body::default();
    let inputs: Vec<u32> = (0..reads).map(|read| body.push(Inst::Read(read))).collect();
    body.result = make(&mut body, &inputs);
    let accesses = (0..reads).map(|b| access(b, Affine::index(0))).collect();
    let nest = nest(&[n], accesses, body, reads, Affine::index(0));
    kernel(name, reads as usize + 1, vec![nest])
}

fn relu_affine(n: usize) -> Kernel {
    elementwise("relu(x*w+b)", n, 3, |body, v| {
        let product = body.op(Op::Mul, &[v[0], v[1]]);
        let sum = body.op(Op::Add, &[product, v[2]]);
        let zero = body.constant(DType::F32, 0.0);
        body.op(Op::Max, &[sum, zero])
    })
}

/// v = 0.9 v + g; p = p - 0.1 v
fn momentum(n: usize) -> Kernel {
    let step = |from: (u32, u32), factor: f64, op: Op, target: u32| {
        let mut body = Body::default();
        let (a, b) = (body.push(Inst::Read(0)), body.push(Inst::Read(1)));
        let factor = body.constant(DType::F32, factor);
        let product = body.op(Op::Mul, &[factor, a]);
        body.result = body.op(op, &[b, product]);
        let accesses = vec![
            access(from.0, Affine::index(0)),
            access(from.1, Affine::index(0)),
        ];
        nest(&[n], accesses, body, target, Affine::index(0))
    };
    let nests = vec![step((0, 1), 0.9, Op::Add, 0), step((0, 2), 0.1, Op::Sub, 2)];
    kernel("momentum", 3, nests)
}

fn softmax(rows: usize, columns: usize) -> Kernel {
    let by_row = Affine::new(0, [(0, columns as i64), (1, 1)]);
    let x = || access(0, by_row.clone());
    let reduction = |reducer, order, body, accesses, target| {
        let mut nest = nest(&[rows], accesses, body, target, Affine::index(0));
        nest.reduce = vec![columns];
        nest.reducer = Some(reducer);
        nest.order = order;
        nest
    };
    let mut read = Body::default();
    read.result = read.push(Inst::Read(0));
    let greatest = reduction(Reducer::Max, Order::Lanes, read.clone(), vec![x()], 2);
    let mut shifted = Body::default();
    let (a, b) = (shifted.push(Inst::Read(0)), shifted.push(Inst::Read(1)));
    let difference = shifted.op(Op::Sub, &[a, b]);
    shifted.result = shifted.op(Op::Exp, &[difference]);
    let maximum = access(2, Affine::index(0));
    let power = nest(
        &[rows, columns],
        vec![x(), maximum],
        shifted,
        1,
        by_row.clone(),
    );
    let y = access(1, by_row.clone());
    let sum = reduction(Reducer::Sum, Order::Lanes, read, vec![y.clone()], 3);
    let mut quotient = Body::default();
    let (a, b) = (quotient.push(Inst::Read(0)), quotient.push(Inst::Read(1)));
    quotient.result = quotient.op(Op::Div, &[a, b]);
    let divide = nest(
        &[rows, columns],
        vec![y, access(3, Affine::index(0))],
        quotient,
        1,
        by_row,
    );
    kernel("softmax", 4, vec![greatest, power, sum, divide])
}

/// out[i, j] = sum[k] x[i, k] w[k, j]
fn product(n: usize) -> Kernel {
    let mut body = Body::default();
    let (a, b) = (body.push(Inst::Read(0)), body.push(Inst::Read(1)));
    body.result = body.op(Op::Mul, &[a, b]);
    let accesses = vec![
        access(0, Affine::new(0, [(0, n as i64), (2, 1)])),
        access(1, Affine::new(0, [(2, n as i64), (1, 1)])),
    ];
    let mut nest = nest(
        &[n, n],
        accesses,
        body,
        2,
        Affine::new(0, [(0, n as i64), (1, 1)]),
    );
    nest.reduce = vec![n];
    nest.reducer = Some(Reducer::Sum);
    kernel("product 128", 3, vec![nest])
}

/// out[n, o, y, x] = sum[c, ky, kx] in[n, c, y + ky - 1, x + kx - 1] w[o, c, ky, kx], padded; 16 images, 16 to 32 channels, 28 by 28.
fn convolution() -> Kernel {
    let mut body = Body::default();
    let (a, b) = (body.push(Inst::Read(0)), body.push(Inst::Read(1)));
    body.result = body.op(Op::Mul, &[a, b]);
    let row = Affine::new(-1, [(2, 1), (5, 1)]);
    let column = Affine::new(-1, [(3, 1), (6, 1)]);
    let plane = Affine::new(0, [(0, 16 * 784), (4, 784)]);
    let mut image = access(0, plane.plus(&row.times(28)).plus(&column));
    image.guard = Guard::within(&row, 28).and(&Guard::within(&column, 28));
    let weight = access(1, Affine::new(0, [(1, 144), (4, 9), (5, 3), (6, 1)]));
    let target = Affine::new(0, [(0, 32 * 784), (1, 784), (2, 28), (3, 1)]);
    let mut nest = nest(&[16, 32, 28, 28], vec![image, weight], body, 2, target);
    nest.reduce = vec![16, 3, 3];
    nest.reducer = Some(Reducer::Sum);
    let mut kernel = kernel("convolution", 3, vec![nest]);
    kernel.outer = 2;
    kernel
}

/// out[n, y, x] = max[ky, kx] in[n, 2y + ky, 2x + kx]; 512 planes of 28 by 28.
fn pooling() -> Kernel {
    let mut body = Body::default();
    body.result = body.push(Inst::Read(0));
    let offset = Affine::new(0, [(0, 784), (1, 56), (2, 2), (3, 28), (4, 1)]);
    let target = Affine::new(0, [(0, 196), (1, 14), (2, 1)]);
    let mut nest = nest(&[512, 14, 14], vec![access(0, offset)], body, 1, target);
    nest.reduce = vec![2, 2];
    nest.reducer = Some(Reducer::Max);
    kernel("pooling", 2, vec![nest])
}

/// Best time of several runs, in nanoseconds.
fn best(mut run: impl FnMut()) -> f64 {
    (0..15)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e9
        })
        .fold(f64::INFINITY, f64::min)
}

fn measure(
    kernel: &CompiledKernel,
    sizes: &[usize],
    range: usize,
    step: usize,
    times: usize,
) -> f64 {
    let mut buffers: Vec<Vec<f32>> = sizes
        .iter()
        .map(|&size| {
            (0..size)
                .map(|at| (at % 1013) as f32 / 200.0 - 2.5)
                .collect()
        })
        .collect();
    let pointers: Vec<*mut u8> = buffers.iter_mut().map(|b| b.as_mut_ptr().cast()).collect();
    let status = Status::new(STATUS_FINE);
    let time = best(|| {
        for _ in 0..times {
            for start in (0..range).step_by(step) {
                // SAFETY: the buffers are as long as the kernel's extents say.
                unsafe { kernel.run(&pointers, start..(start + step).min(range), &status) };
            }
        }
    });
    time / times as f64
}

fn main() {
    let n = 1 << 20;
    let small = 1 << 12;
    let (from, mut to) = (vec![1.0f32; n], vec![0.0f32; n]);
    let copy = best(|| {
        to.copy_from_slice(std::hint::black_box(&from));
        std::hint::black_box(&mut to);
    });
    println!("{:28} {:.3} ns/element", "copy of 1M", copy / n as f64);
    let kernels = [
        (relu_affine(n), vec![n; 4], n, n, n),
        (momentum(n), vec![n; 3], n, n, n),
        (momentum(n), vec![n; 3], n, small, n),
        (relu_affine(small), vec![small; 4], small, small, small),
        (
            elementwise("exp", small, 1, |b, v| b.op(Op::Exp, v)),
            vec![small; 2],
            small,
            small,
            small,
        ),
        (
            elementwise("log", small, 1, |b, v| b.op(Op::Log, v)),
            vec![small; 2],
            small,
            small,
            small,
        ),
        (
            elementwise("tanh", small, 1, |b, v| b.op(Op::Tanh, v)),
            vec![small; 2],
            small,
            small,
            small,
        ),
        (
            elementwise("sigmoid", small, 1, |b, v| b.op(Op::Sigmoid, v)),
            vec![small; 2],
            small,
            small,
            small,
        ),
        (
            elementwise("erf", small, 1, |b, v| b.op(Op::Erf, v)),
            vec![small; 2],
            small,
            small,
            small,
        ),
        (
            elementwise("sin", small, 1, |b, v| b.op(Op::Sin, v)),
            vec![small; 2],
            small,
            small,
            small,
        ),
        (
            elementwise("exp 1M", n, 1, |b, v| b.op(Op::Exp, v)),
            vec![n; 2],
            n,
            n,
            n,
        ),
        (
            elementwise("tanh 1M", n, 1, |b, v| b.op(Op::Tanh, v)),
            vec![n; 2],
            n,
            n,
            n,
        ),
        (softmax(1024, 1024), vec![n, n, 1024, 1024], 1024, 8, n),
        (
            softmax(4096, 10),
            vec![40960, 40960, 4096, 4096],
            4096,
            512,
            40960,
        ),
        (pooling(), vec![512 * 784, 512 * 196], 512, 512, 512 * 784),
        (
            convolution(),
            vec![16 * 16 * 784, 32 * 144, 16 * 32 * 784],
            512,
            512,
            16 * 32 * 784 * 144,
        ),
        (product(128), vec![128 * 128; 3], 128, 128, 128 * 128 * 128),
    ];
    for (kernel, sizes, range, step, elements) in kernels {
        let start = Instant::now();
        let compiled = compile(std::slice::from_ref(&kernel), Options::default());
        let compile_time = start.elapsed().as_secs_f64() * 1e3;
        match compiled {
            Ok(compiled) => {
                let native = &compiled.kernels[0];
                let times = (n / elements).max(1);
                let time = measure(native, &sizes, range, step, times);
                println!(
                    "{:16} {elements:8} by {step:7} {:.3} ns/element; {} bytes of code in {compile_time:.2} ms",
                    kernel.name,
                    time / elements as f64,
                    native.code_bytes,
                );
            }
            Err(error) => println!("{}: {error}", kernel.name),
        }
    }
}
