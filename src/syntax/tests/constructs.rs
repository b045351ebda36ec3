//! The tree of each construct.
use super::check;

#[test]
fn names_numbers_strings_and_brackets() {
    check("θ + α₁ * h′", "(+ θ (* α₁ h′))");
    check("1_000 + 2.5e-3", "(+ 1000 0.0025)");
    check("[1, 2.0, true]", "(list 1 2.0 true)");
    check(r#""plain""#, r#""plain""#);
    check(
        r#""a {x} b {y.z:.4} {w:8.3f} {{}}""#,
        r#"(string "a " x " b " (format (. y z) .4) " " (format w 8.3f) " {}")"#,
    );
    check(r#""tab\t quote\" back\\""#, r#""tab\t quote\" back\\""#);
    check("(a)", "a");
    check("(a, b)", "(tuple a b)");
    check("(a,)", "(tuple a)");
}

#[test]
fn operators_bind_as_on_paper() {
    check("a + b * c", "(+ a (* b c))");
    check("a * b + c", "(+ (* a b) c)");
    check("a - b - c", "(- (- a b) c)");
    check("-x ^ 2", "(neg (^ x 2))");
    check("2 ^ -x", "(^ 2 (neg x))");
    check("a ^ b ^ c", "(^ a (^ b c))");
    check("a @ b * c // d % e / f", "(/ (% (// (* (@ a b) c) d) e) f)");
    check("a + b < c * d", "(< (+ a b) (* c d))");
    check("not a and b or c == d", "(or (and (not a) b) (== c d))");
    check("x |> f |> g(2)", "(|> (|> x f) (call g 2))");
    check("a or b |> f", "(|> (or a b) f)");
    check("-a * b", "(* (neg a) b)");
}

#[test]
fn calls_fields_and_subscripts() {
    check("f(x, k = 5)", "(call f x (= k 5))");
    check("f.theta.W", "(. (. f theta) W)");
    check("f(1)(2)[3].x", "(. (at (call (call f 1) 2) 3) x)");
    check("x[:, 0]", "(at x : 0)");
    check("x[.., 1:]", "(at x .. (slice 1 _))");
    check("x[..n, :k + 1, -1]", "(at x ..n (slice _ (+ k 1)) (neg 1))");
    check("zeros[n, hidden]", "(at zeros n hidden)");
    check("normal(0.5)[n, d]", "(at (call normal 0.5) n d)");
    check("mean(x, over = t)", "(call mean x (= over t))");
    check("f(to, with = over)", "(call f to (= with over))");
    check("x.let.scan", "(. (. x let) scan)");
}

#[test]
fn a_reduction_takes_the_products_to_its_right() {
    check(
        "sum[i] x[i] * y[i] + 1",
        "(+ (sum (i) (* (at x i) (at y i))) 1)",
    );
    check("a * sum[k] x[k]", "(* a (sum (k) (at x k)))");
    check(
        "-sum[i, j < 3] x[i, j]",
        "(neg (sum (i (< j 3)) (at x i j)))",
    );
    check(
        "sum[i] sum[j] x[i, j] / n",
        "(sum (i) (sum (j) (/ (at x i j) n)))",
    );
    check("sum[i] x[i] < 3", "(< (sum (i) (at x i)) 3)");
    check("(sum[i] x[i]) ^ 2", "(^ (sum (i) (at x i)) 2)");
    check("(mean)[k]", "(at mean k)");
    check("mean (x)", "(call mean x)");
    check("argmax[j] x[i, j] |> f", "(|> (argmax (j) (at x i j)) f)");
}

#[test]
fn lists_and_their_named_entries() {
    check(
        "[n, t, heads, e = d / heads]",
        "(list n t heads (= e (/ d heads)))",
    );
    check("[..s, -1]", "(list ..s (neg 1))");
    check("[[1, 2], [3, 4],]", "(list (list 1 2) (list 3 4))");
    check("[]", "(list)");
}

#[test]
fn declarations() {
    check("hyper lr: f32 = 0.01", "(hyper lr (: f32) 0.01)");
    check("hyper lr = 0.01", "(hyper lr 0.01)");
    check(r#"import "blocks.dlm""#, r#"(import "blocks.dlm")"#);
    check(
        "fn f(x: [..s], g: fn, l: layer = relu) -> ([], i32[n]) { x }",
        "(fn f (inputs (x (: (tensor ..s))) (g (: fn)) (l (: layer) (= relu))) (-> (tuple (tensor) (i32 n))) (block x))",
    );
    check(
        "layer a(x: [n, (h - k) // s + 1]) -> [n] { x }",
        "(layer a (inputs (x (: (tensor n (+ (// (- h k) s) 1))))) (-> (tensor n)) (block x))",
    );
    check(
        "layer a()(x) { x }",
        "(layer a (config) (inputs x) (block x))",
    );
    check(
        "optimizer momentum(lr, mu = 0.9)(w, g) { w }",
        "(optimizer momentum (config lr (mu (= 0.9))) (inputs w g) (block w))",
    );
    check("param W: [d, units]", "(param W (: (tensor d units)))");
    check(
        "param W: [d, units] = glorot_uniform",
        "(param W (: (tensor d units)) glorot_uniform)",
    );
    check("state v = zeros", "(state v zeros)");
    check("state v: i32[] = zeros", "(state v (: (i32)) zeros)");
    check("let x: [] = 3", "(let x (: (tensor)) 3)");
    check(
        "let (q, (k, v)) = f(x)",
        "(let (tuple q (tuple k v)) (call f x))",
    );
    check(
        "let y[i, j < n + 1] = x[i] * j",
        "(let-index y (i (< j (+ n 1))) (* (at x i) j))",
    );
    check(
        "## One.\n## Two.\nlet x = 1",
        r#"(doc "One.\nTwo." (let x 1))"#,
    );
    check(
        "x = 1 ## no documentation\nlet y = 2",
        "(assign x 1) (let y 2)",
    );
    check("## no documentation\nf(x)", "(call f x)");
}

#[test]
fn statements() {
    check("print a, b", "(print a b)");
    check("print (a, b)", "(print (tuple a b))");
    check(
        r#"print "loss {loss:.4}""#,
        r#"(print (string "loss " (format loss .4)))"#,
    );
    check(r#"plot x |> f to "a.svg""#, r#"(plot (|> x f) "a.svg")"#);
    check(r#"save net.body to "w" "#, r#"(save (. net body) "w")"#);
    check("load net from path", "(load net path)");
    check("assert a == b", "(assert (== a b))");
    check(
        r#"assert a == b, "message""#,
        r#"(assert (== a b) "message")"#,
    );
    check("train net.a on d |> f { }", "(train (. net a) (|> d f))");
    check(
        "train net on d {\n loss = fn (p, y) { mse(p, y) }\n over = net.a; with = 1 }",
        "(train net d (set loss (lambda (inputs p y) (block (call mse p y)))) (set over (. net a)) (set with 1))",
    );
    check("repeat n { f(x) }", "(repeat n (block (call f x)))");
    check(
        "repeat until a < b, at most 10 { f(x) }",
        "(repeat-until (< a b) 10 (block (call f x)))",
    );
    check(
        "for (x, y) in pairs { f(x) }",
        "(for (tuple x y) pairs (block (call f x)))",
    );
    check(
        "for i in 0..n + 1 { f(i) }",
        "(for i (.. 0 (+ n 1)) (block (call f i)))",
    );
    check(
        "for i in 1..=20 { f(i) }",
        "(for i (..= 1 20) (block (call f i)))",
    );
    check(
        "f.theta = f.theta - 1",
        "(assign (. f theta) (- (. f theta) 1))",
    );
    check("x = 3; y = 4", "(assign x 3) (assign y 4)");
    check("state = 3", "(assign state 3)");
}

#[test]
fn functions_conditions_steps_and_scans_are_values() {
    check("fn (x) { x }", "(lambda (inputs x) (block x))");
    check(
        "fn (x: [n]) -> [n] {\n let y = x\n y\n}",
        "(lambda (inputs (x (: (tensor n)))) (-> (tensor n)) (block (let y x) y))",
    );
    check("if a { b }", "(if a (block b))");
    check("if a { b } else { c }", "(if a (block b) (block c))");
    check(
        "if a { b } else if c { d } else { e }",
        "(if a (block b) (block (if c (block d) (block e))))",
    );
    check("if a { b }\nelse { c }", "(if a (block b) (block c))");
    check(
        "minimize J with sgd(lr = 0.01)",
        "(minimize J (with (call sgd (= lr 0.01))))",
    );
    check(
        "minimize J over d, g.W with opt",
        "(minimize J (over d (. g W)) (with opt))",
    );
    check(
        "let l = minimize J with opt",
        "(let l (minimize J (with opt)))",
    );
    check("f(minimize J with opt)", "(call f (minimize J (with opt)))");
    check(
        "scan x_t in x over t, h = zeros[n, u] { h + x_t }",
        "(scan x_t x (over t) (state h (at zeros n u)) (block (+ h x_t)))",
    );
    check(
        "scan reverse (a, b) in (c, d), (h, c) = (u, v) { (h, c) }",
        "(scan-reverse (tuple a b) (tuple c d) (state (tuple h c) (tuple u v)) (block (tuple h c)))",
    );
    check(
        "scan i in 0..50, z = z0 { f(z) }",
        "(scan i (.. 0 50) (state z z0) (block (call f z)))",
    );
    check(
        "scan reverse in x { reverse }",
        "(scan reverse x (block reverse))",
    );
}

#[test]
fn newlines_end_statements_where_nothing_is_open() {
    check("a +\nb", "(+ a b)");
    check("let x =\n3", "(let x 3)");
    check("x\n|> f\n|> g", "(|> (|> x f) g)");
    check("f(\na,\n\nb\n)", "(call f a b)");
    check("a\n-b", "a (neg b)");
    check("\n\n;;a;b;\n", "a b");
    check("let x = [1, # one\n2]", "(let x (list 1 2))");
    check(
        "fn f(x) { x }; f(1)",
        "(fn f (inputs x) (block x)) (call f 1)",
    );
    check("let at = most\nat", "(let at most) at");
}
