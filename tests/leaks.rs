//! Elaborating a program leaves nothing behind in memory, whether it is right or wrong.
use dlmc::MemoryLoader;
use dlmc::testing::mutants::check_program;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting the bytes that the thread holds.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn add(bytes: isize) {
    HELD.set(HELD.get() + bytes);
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size() as isize);
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        add(-(layout.size() as isize));
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size as isize - layout.size() as isize);
        // SAFETY: the caller's contract.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Layers in layers, one that takes a function made in another's body, a mistake inside.
const PROGRAMS: [&str; 4] = [
    "layer m(x: [n, d]) -> [n, 2] { x |> dense(3) |> relu |> dense(2) }
let f = m()
repeat 3 { minimize mse(f(normal[4, 2]), 1) with sgd(lr = 0.01) }
",
    "layer inner(g: fn)(x: [n]) -> [n] { g(x) }
layer outer(a)(x: [n]) -> [n] {
    param w: [] = ones
    let f = fn (y) { w * a * y }
    x |> inner(f)
}
let f = outer(2)
print f(ones[3])
",
    "layer block(k)(x: [n, d]) -> [n, d] { for i in 0..k { let x = x |> dense(d) |> tanh }\nx }
let f = block(3)
let set = data(x = [[1.0], [2.0]], y = [[1.0], [2.0]])
train f on set { loss = mse\noptimizer = adam(lr = 0.1)\nepochs = 2\nbatch = 1\n}
",
    "layer m(x: [n, d]) -> [n, 2] { x |> dense(3) |> dense(2, 3, 4) }\nlet f = m()\nprint f(ones[2, 2])\n",
];

#[test]
fn elaboration_frees_all_that_it_takes() {
    for text in PROGRAMS {
        let held = || {
            check_program(text, &mut MemoryLoader::default(), ".");
            HELD.get()
        };
        // What is made once stays.
        held();
        let before = held();
        assert_eq!(held() - before, 0, "bytes left behind by\n{text}");
    }
}
