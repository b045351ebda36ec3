//! What is said of mistakes: place, code, sentence; mend.
use super::{outcome, tree};
use crate::base::source::Sources;
use crate::syntax::ast::{ExprKind, StmtKind, StrPart};
use crate::syntax::{is_incomplete, parse, parse_expression};

/// Programs with mistakes, and all that is said of each.
const MISTAKES: &[(&str, &[&str])] = &[
    (
        r#"let x = 
let y = f(a, b
let z = 3
print x"#,
        &[
            "1:8 E0107 found the end of the line, expected an expression; a value is missing after `=`",
            "2:10 E0106 this `(` is not closed; add `)` before this line",
        ],
    ),
    (
        r#"def f(x):
    return x"#,
        &[
            "1:1 E0107 a function begins with `fn`; write `fn f(x) { ... }`; the last expression in the braces is its value",
        ],
    ),
    (
        "if x = 3 { 1 } else { 2 }",
        &["1:6 E0107 `=` compares nothing; a comparison is written `==`"],
    ),
    (
        "f(x) {}",
        &[
            "1:6 E0107 a call takes no `{ ... }` after it; pass a function as an argument: `f(x, fn (y) { ... })`",
        ],
    ),
    (
        "x ** 2",
        &["1:3 E0107 there is no `**`; a power is written `x ^ 2`"],
    ),
    (
        r#"// a comment here
let a = 1 // another comment
let b = 7 // 2"#,
        &[
            "1:1 E0107 `//` is the division that rounds down, not a comment; a comment starts with `#`",
            "2:11 E0107 `//` is the division that rounds down, not a comment; a comment starts with `#`",
        ],
    ),
    (
        r#"if c { 1 }
elif d { 2 }"#,
        &["2:1 E0107 there is no `elif`; write `else if`, on the line of the `}` or the next"],
    ),
    (
        r#"if c:
    1"#,
        &["1:5 E0107 a body stands in braces, not after `:`; write `{ ... }`"],
    ),
    (
        "let f = lambda x: x + 1",
        &["1:9 E0107 a function value begins with `fn`; write `fn (x) { ... }`"],
    ),
    (
        "import numpy",
        &[
            "1:1 E0107 there is no library `numpy` here; leave the imports out: layers, losses, optimizers and the reading of data are known without one",
        ],
    ),
    (
        "let a = b < c < d",
        &["1:15 E0107 comparisons do not chain; write `a < b and b < c`"],
    ),
    (
        r#"layer a(x: [n, d]) -> [n] {
    param W: [d, 3] = zeros
    let q = x @ 
    if c {
        let u = )
    x @ W
}

layer b(x) {
    x + 1
}
let m = b()"#,
        &[
            "4:10 E0106 this `{` is not closed; add `}` before this line",
            "5:17 E0108 no bracket is open that this `)` could close; remove it, or add the bracket that it closes",
        ],
    ),
    (
        r#"let s = "abc
let t = 'abc'
let u = x² + 3
let v = 2x
let w = .5
let k = 1."#,
        &[
            r#"1:9 E0102 this string does not end; close it with `"` on the same line"#,
            r#"2:9 E0102 a string stands in double quotes; write `"abc"`"#,
            "3:10 E0103 `²` has no meaning; write `^ 2`",
            "4:10 E0107 a number and a name stand side by side; write `2 * x`",
            "5:9 E0107 a number begins with a digit; write `0.5`",
            "6:10 E0106 a number does not end in a point; write `1.0`",
        ],
    ),
    (
        "x += 1",
        &["1:3 E0107 there is no `+=`; write `x = x + ...`"],
    ),
    (
        "f(a b)",
        &[
            "1:5 E0107 found `b`, expected `)`, `,` or an operator; two values stand side by side: put an operator, a comma or a line end between them",
        ],
    ),
    (
        "let x",
        &[
            "1:6 E0106 found the end of the text, expected `[`, `:` or `=`; `=` may be missing before it",
        ],
    ),
    (
        r#"fn f(x)
{
  x
}"#,
        &[
            "2:1 E0107 no statement begins with `{`; put the `{` of a body at the end of the line before",
        ],
    ),
    (
        "let y[i]: [n] = x[i]",
        &[
            "1:9 E0107 a definition by indices takes no type; write its sizes as bounds, `let y[i < n] = ...`, and its element type as a conversion, `i32(...)`",
        ],
    ),
    (
        "let y = 1 + minimize J with sgd",
        &[
            "1:13 E0107 found `minimize`, expected an expression; `minimize` stands at the top of an expression: put it in parentheses or bind it with `let`",
        ],
    ),
    (
        "let r = 0..5",
        &[
            "1:10 E0107 found `..`, expected an operator or the end of the line; a range stands only after `in`; a part of a tensor is `x[1:5]`",
        ],
    ),
    (
        r#"let a = f(x, [1, 2)
let b = 3 ]
let c = 4"#,
        &[
            "1:14 E0106 this `[` is not closed; add `]` before this `)`",
            "2:11 E0108 no bracket is open that this `]` could close; remove it, or add the bracket that it closes",
        ],
    ),
    (
        "x[0] = 3",
        &[
            "1:1 E0110 only a name or a path, `f.theta`, can be assigned; define a whole tensor by its elements: `let y[i] = ...`",
        ],
    ),
    (
        r#"print "a {x +} {y:abc} {} \q""#,
        &[
            "1:14 E0106 found the end of the text, expected an expression; a value is missing after `+`",
            "1:19 E0109 `abc` is no format; a format is a width, a point and digits, and one of f, e, %: `{x:.4}`, `{x:8.3f}`, `{x:.1%}`",
            "1:24 E0109 nothing stands between these braces; name a value, or write `{{}}` for braces",
            r#"1:27 E0109 `\q` is no escape; the escapes are `\n`, `\t`, `\"` and `\\`"#,
        ],
    ),
    (
        "let a = 99999999999999999999",
        &[
            "1:9 E0109 the integer 99999999999999999999 is too large; write a number with a point or an exponent, `1e20`, for a float",
        ],
    ),
    (
        r#"train net on data {
    loss = 
    epochs = 5
    batch 64
}"#,
        &[
            "2:10 E0107 a value is missing after `=`; finish the line",
            "4:11 E0107 found `64`, expected `=`; `=` may be missing before it",
        ],
    ),
    (
        "let x = (1 + 2",
        &["1:9 E0106 this `(` is not closed; add `)`"],
    ),
    (
        r#"let x =
let y = 3
print )"#,
        &[
            "1:8 E0107 found the end of the line, expected an expression; a value is missing after `=`",
            "3:7 E0108 no bracket is open that this `)` could close; remove it, or add the bracket that it closes",
        ],
    ),
    (
        "let x = 1; let = 2",
        &["1:16 E0107 found `=`, expected `(` or a name; a name is missing before `=`"],
    ),
    (
        r#"layer a(x) {
    let = 1
    x + )
    y y
}
let = 3"#,
        &[
            "2:9 E0107 found `=`, expected `(` or a name; a name is missing before `=`",
            "3:9 E0108 no bracket is open that this `)` could close; remove it, or add the bracket that it closes",
            "4:7 E0107 found `y`, expected `}`, an operator or the end of the line; two values stand side by side: put an operator or a line end between them",
            "6:5 E0107 found `=`, expected `(` or a name; a name is missing before `=`",
        ],
    ),
    (
        r#"layer a(x) {
    if x {
        x
}

layer b(x) { x }"#,
        &["2:10 E0106 this `{` is not closed; add `}` before this line"],
    ),
    (
        r#"layer a(x) {
    x

let n = a()
let m = b()"#,
        &["1:12 E0106 this `{` is not closed; add `}` before this line"],
    ),
    (
        r#"let a = f(x, [1, 2)
let c = 4"#,
        &["1:14 E0106 this `[` is not closed; add `]` before this `)`"],
    ),
    (
        "let a = (1 + 2]",
        &["1:15 E0108 `]` does not close `(`; write `)`"],
    ),
    (
        "let a = 1 }",
        &[
            "1:11 E0108 no bracket is open that this `}` could close; remove it, or add the bracket that it closes",
        ],
    ),
    (
        "let a = (1; 2)",
        &[
            "1:11 E0104 `;` cannot stand inside brackets; close the bracket before it, or put a comma",
        ],
    ),
    (
        "let x = if c { 1 } else",
        &[
            "1:24 E0106 found the end of the text, expected `if` or `{`; a body in braces is missing: `{ ... }`",
        ],
    ),
    (
        r#"for i in 0..10
    print i"#,
        &[
            "1:15 E0107 found the end of the line, expected `{` or an operator; a body in braces is missing: `{ ... }`",
        ],
    ),
    (
        "repeat 3 until x { }",
        &[
            "1:10 E0107 found `until`, expected `{` or an operator; two values stand side by side: put an operator or a line end between them",
        ],
    ),
    (
        "while x < 3 { f(x) }",
        &[
            "1:1 E0107 there is no `while`; write `repeat until condition, at most 1000 { ... }` or `repeat 1000 { ... }`",
        ],
    ),
    (
        "x => y",
        &[
            "1:4 E0107 there is no `=>`; a function value is written `fn (x) { ... }`, a comparison `>=`",
        ],
    ),
    (
        r#"let (a, b = f(x)
let c = 3"#,
        &["1:5 E0106 this `(` is not closed; add `)` before this line"],
    ),
    (
        "param in: [n]",
        &[
            "1:7 E0107 found `in`, expected an operator or the end of the line; `=` may be missing before it",
        ],
    ),
    (
        "let sum[i] = x[i]",
        &[
            "1:5 E0107 found `sum`, expected `(` or a name; `sum[` is always a reduction: choose another name",
        ],
    ),
    (
        "[x for x in y]",
        &[
            "1:4 E0107 there is no list comprehension; define a tensor by its elements: `let y[i < 10] = ...`",
        ],
    ),
    (
        "train net { epochs = 1 }",
        &["1:11 E0107 found `{`, expected `on` or `.`; write `train net on data { ... }`"],
    ),
    (
        "minimize J",
        &[
            "1:11 E0106 found the end of the text, expected `over`, `with` or `|>`; a step is written `minimize J with sgd(lr = 0.01)`",
        ],
    ),
    (
        r#"train net on d {
    epochs: 5
    loss mse
    batch = 5
}"#,
        &[
            "2:11 E0107 found `:`, expected `=`; write `name = value`, with one `=`",
            "3:10 E0107 found `mse`, expected `=`; `=` may be missing before it",
        ],
    ),
    (
        r#"save net "w""#,
        &[
            r#"1:10 E0107 found `"w"`, expected `to` or `.`; write `save net to "file.safetensors"`"#,
        ],
    ),
    (
        "let a == 3",
        &["1:7 E0107 found `==`, expected `[`, `:` or `=`; write `name = value`, with one `=`"],
    ),
    (
        "let a = “x”",
        &[
            r#"1:9 E0103 `“` has no meaning; strings stand in straight double quotes: `"`"#,
            r#"1:11 E0103 `”` has no meaning; strings stand in straight double quotes: `"`"#,
        ],
    ),
    (
        "let a = x ? y : z",
        &[
            "1:11 E0103 `?` has no meaning; write `if c { a } else { b }`, or `where(c, a, b)` to choose element by element",
        ],
    ),
    (
        "import blocks.dlm",
        &[
            r#"1:1 E0107 a file is imported by its path in quotes; write `import "blocks.dlm"`; the standard library needs no import"#,
        ],
    ),
    (
        "f(1, , 2)",
        &["1:6 E0107 found `,`, expected `)` or an expression; a value is missing after `,`"],
    ),
    (
        "f(a = 1 b = 2)",
        &[
            "1:9 E0107 found `b`, expected `)`, `,` or an operator; two values stand side by side: put an operator, a comma or a line end between them",
        ],
    ),
    (
        "print",
        &[
            "1:6 E0106 found the end of the text, expected an expression; a value is missing after `print`",
        ],
    ),
    (
        "hyper lr",
        &["1:9 E0106 found the end of the text, expected `:` or `=`; `=` may be missing before it"],
    ),
    (
        "layer dense { x }",
        &["1:13 E0107 found `{`, expected `(`; name its inputs: `layer dense(x: [n, d]) { ... }`"],
    ),
    (
        "fn (x) -> x + 1",
        &[
            "1:13 E0107 found `+`, expected `{` or `[`; after `->` stands the type of the result, the body in braces: `fn (x) { x + 1 }`",
        ],
    ),
    (
        "let a = 1 +",
        &[
            "1:12 E0106 found the end of the text, expected an expression; a value is missing after `+`",
        ],
    ),
    (
        "assert x = 3",
        &["1:10 E0107 `=` compares nothing; a comparison is written `==`"],
    ),
    (
        "let f(x) = x",
        &["1:6 E0107 `let` binds a value, not a function; a function is written `fn f(x) { ... }`"],
    ),
    (
        "f(x) = x + 1",
        &[
            "1:1 E0110 only a name or a path, `f.theta`, can be assigned; bind the instance first, `let f = ...`, then assign `f.name`; a function is written `fn f(x) { ... }`",
        ],
    ),
    (
        "if a { b } else { c } d",
        &[
            "1:23 E0107 found `d`, expected an operator or the end of the line; two values stand side by side: put an operator or a line end between them",
        ],
    ),
    (
        "let x = 3 let y = 4",
        &[
            "1:11 E0107 found `let`, expected an operator or the end of the line; start it on a line of its own, or put `;` before it",
        ],
    ),
    (
        "let a = 1 print a",
        &[
            "1:11 E0107 found `print`, expected an operator or the end of the line; start it on a line of its own, or put `;` before it",
        ],
    ),
    (
        "repeat 2 { let a = 1 } print 3",
        &[
            "1:24 E0107 found `print`, expected the end of the line; start it on a line of its own, or put `;` before it",
        ],
    ),
    (
        "x[1:2:3]",
        &["1:6 E0107 a slice has no step; define the elements you want: `let y[i] = x[2*i]`"],
    ),
    (
        "let t = x.T.",
        &["1:13 E0106 found the end of the text, expected a name; finish the line"],
    ),
    (
        r#"print "a" "b""#,
        &[
            r#"1:11 E0107 found `"b"`, expected `,`, an operator or the end of the line; two values stand side by side: put an operator, a comma or a line end between them"#,
        ],
    ),
    (
        "let s = 'it'",
        &[r#"1:9 E0102 a string stands in double quotes; write `"it"`"#],
    ),
    (
        "for x of xs { f(x) }",
        &["1:7 E0107 found `of`, expected `in`; a loop is written `for x in xs { ... }`"],
    ),
    (
        r#"import "a\qb""#,
        &[r#"1:10 E0109 `\q` is no escape; the escapes are `\n`, `\t`, `\"` and `\\`"#],
    ),
    (
        r#"print "x { y"
print "x } y"
print "{a + 1:.2} {1 +}""#,
        &[
            "1:10 E0109 this `{` is not closed in the string; add `}` after the value, or write `{{` for a brace",
            "2:10 E0109 no `{` is open in the string; write `}}` for a brace",
            "3:23 E0106 found the end of the text, expected an expression; a value is missing after `+`",
        ],
    ),
    (
        "1e999",
        &["1:1 E0109 the number 1e999 is too large; the largest is about 1.8e308"],
    ),
];

#[test]
fn each_mistake_is_named_with_its_mend() {
    let mut wrong = Vec::new();
    for (text, expected) in MISTAKES {
        let (_, found) = outcome(text);
        if found != *expected {
            wrong.push(format!(
                "{text}\n  found    {found:#?}\n  expected {expected:#?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_stands_around_a_mistake_is_kept() {
    let (tree, errors) = outcome(
        "layer a(x: [n]) -> [n] {\n    param W: [n] = zeros\n    let y = x @\n    let z = f(x\n    z + 1\n}\nlet a = a()\nlet b = )\nprint a",
    );
    assert_eq!(errors.len(), 3, "{errors:#?}");
    let flat = tree.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        flat,
        "(layer a (inputs (x (: (tensor n)))) (-> (tensor n)) (block (param W (: (tensor n)) zeros) (error) (error))) \
         (let a (call a)) (error) (print a)"
    );
}

#[test]
fn a_prompt_asks_for_more_only_where_the_end_is_missing() {
    for text in [
        "let x =",
        "f(1,",
        "layer a(x) {",
        "x |>",
        "fn f(x)",
        "if a { b } else",
        "let x = [1,\n 2",
        "for i in 0..3 {\n  f(i)\n",
    ] {
        assert!(is_incomplete(text), "{text}");
    }
    for text in [
        "",
        "x",
        "let x = 1",
        "let x = )",
        "f(1))",
        "let = 3",
        "\"abc",
        "layer a(x) {\n let = \n",
        "let x = 1 +\nlet y = )",
        "# c",
    ] {
        assert!(!is_incomplete(text), "{text}");
    }
}

#[test]
fn places_in_strings_are_those_of_the_file() {
    let text = "let θ = 1\nprint \"é {θ + β:.2}\"";
    let mut sources = Sources::default();
    let file = sources.add("m.dlm", text);
    let (tree, errors) = parse(&sources, file);
    assert!(errors.is_empty());
    let StmtKind::Print(values) = &tree.statements[1].kind else {
        panic!("{tree:?}")
    };
    let ExprKind::Str(parts) = &values[0].kind else {
        panic!("{values:?}")
    };
    let StrPart::Value(value, Some(_)) = &parts[1] else {
        panic!("{parts:?}")
    };
    assert_eq!(sources.snippet(value.span), "θ + β");
    let ExprKind::Binary(_, _, right) = &value.kind else {
        panic!("{value:?}")
    };
    assert_eq!(sources.snippet(right.span), "β");
}

#[test]
fn every_expression_has_its_place() {
    let text = "let y = (a + b) * f(x[1:], k = -2).w";
    let mut sources = Sources::default();
    let file = sources.add("m.dlm", text);
    let (tree, _) = parse(&sources, file);
    assert_eq!(sources.snippet(tree.statements[0].span), text);
    let StmtKind::Let { value, .. } = &tree.statements[0].kind else {
        panic!("{tree:?}")
    };
    assert_eq!(sources.snippet(value.span), "(a + b) * f(x[1:], k = -2).w");
    let ExprKind::Binary(_, left, right) = &value.kind else {
        panic!("{value:?}")
    };
    assert_eq!(sources.snippet(left.span), "a + b");
    let ExprKind::Field(call, name) = &right.kind else {
        panic!("{right:?}")
    };
    assert_eq!(
        (sources.snippet(call.span), sources.snippet(name.span)),
        ("f(x[1:], k = -2)", "w")
    );
}

#[test]
fn one_expression_is_parsed_alone() {
    let parsed = |text: &str| {
        let mut sources = Sources::default();
        let file = sources.add("m.dlm", text);
        let (value, errors) = parse_expression(&sources, file);
        (crate::syntax::print::print_expression(&value), errors.len())
    };
    assert_eq!(parsed("a + b"), ("(+ a b)".to_string(), 0));
    assert_eq!(parsed("a +"), ("(error)".to_string(), 1));
    assert_eq!(parsed("a b"), ("(error)".to_string(), 1));
    assert_eq!(parsed(""), ("(error)".to_string(), 1));
    assert_eq!(parsed("f(a"), ("(call f a)".to_string(), 1));
}

#[test]
fn line_ends_of_every_kind_and_a_byte_order_mark_are_read() {
    assert_eq!(
        tree("\u{feff}let a = 1\r\nlet b = 2\r\n"),
        "(let a 1) (let b 2)"
    );
    assert_eq!(tree("## Doc.\r\nlet a = 1"), "(doc \"Doc.\" (let a 1))");
}
