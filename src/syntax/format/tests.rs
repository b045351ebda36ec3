use super::{FormatError, format_source};
use proptest::prelude::*;

fn formatted(text: &str) -> String {
    let once = format_source(text).unwrap_or_else(|error| panic!("{text}\n{error:?}"));
    assert_eq!(format_source(&once).as_ref(), Ok(&once), "not idempotent");
    once
}

#[test]
fn blanks_between_words() {
    for (from, to) in [
        ("let x=[1,2 , 3]", "let x = [1, 2, 3]\n"),
        ("let y = - x ^ - 2 - -x", "let y = -x ^ -2 - -x\n"),
        (
            "let y[ i,j ]=sum [ k ]-a [i,k]*b[ k,j ]",
            "let y[i, j] = sum[k] -a[i, k] * b[k, j]\n",
        ),
        (
            "let y[i] = sum[k](x[i,k]-1)",
            "let y[i] = sum[k] (x[i, k] - 1)\n",
        ),
        (
            "let z = x [ : , - 1 : , .. ,1 :2, : ( t-1 ) ]",
            "let z = x[:, -1:, .., 1:2, :(t - 1)]\n",
        ),
        ("for i in 0 .. n{print i}", "for i in 0..n { print i }\n"),
        ("for(a,b)in zip{}", "for (a, b) in zip {}\n"),
        (
            "fn f(g:fn,x:[.. s],k=3)->[..s]{g(x)}",
            "fn f(g: fn, x: [..s], k = 3) -> [..s] { g(x) }\n",
        ),
        ("let f=fn(b){b.x}", "let f = fn (b) { b.x }\n"),
        (
            "minimize L over(a),b with(o)",
            "minimize L over (a), b with (o)\n",
        ),
        (
            "let over = over (3) + to[1]",
            "let over = over(3) + to[1]\n",
        ),
        (
            "repeat until(a)<b,at  most(3){}",
            "repeat until (a) < b, at most (3) {}\n",
        ),
        ("print(a),[1]", "print (a), [1]\n"),
        ("let a=not(b)and-c<3", "let a = not (b) and -c < 3\n"),
        ("a = 1 ;b=2;", "a = 1; b = 2\n"),
        ("let t=(1,)", "let t = (1,)\n"),
        ("let i = bool [n , 3]", "let i = bool[n, 3]\n"),
        ("print \"a  {x:.2}\"", "print \"a  {x:.2}\"\n"),
        ("let n = 1_000.50e+3", "let n = 1_000.50e+3\n"),
    ] {
        assert_eq!(formatted(from), to);
    }
}

#[test]
fn indentation_follows_brackets_and_statements_that_go_on() {
    let text = "\
layer f(
a: [n],
      b = 1
) -> [n] {
let y = a
|> g(fn (x) {
x
+ 1
})
# before the pipe
|> h
if b == 1 {
# one
y
}
# between
else {
foo(y, [
1, 2,
3
],
4 *
5)
# last
}
}
";
    let expected = "\
layer f(
    a: [n],
    b = 1
) -> [n] {
    let y = a
        |> g(fn (x) {
            x
            + 1
        })
        # before the pipe
        |> h
    if b == 1 {
        # one
        y
    }
    # between
    else {
        foo(y, [
            1, 2,
            3
        ],
            4 *
                5)
        # last
    }
}
";
    // `x` and `+ 1` are two statements to the grammar, so the second is no program.
    assert!(matches!(format_source(text), Err(FormatError::Program(_))));
    let (text, expected) = (text.replace("x\n+ 1", "x +\n1"), expected);
    assert_eq!(
        formatted(&text),
        expected.replace("x\n            + 1", "x +\n                1")
    );
}

#[test]
fn empty_lines() {
    let text = "\n\n\n# a\n\n\n\nlet f = fn (x) {\n\n# b\n\n\nx\n\n}\n\n;\n\nprint f(1)\n\n\n";
    let expected = "# a\n\nlet f = fn (x) {\n    # b\n\n    x\n}\n\nprint f(1)\n";
    assert_eq!(formatted(text), expected);
    for nothing in ["", "\n", " \t\r\n\n", "\u{feff}"] {
        assert_eq!(formatted(nothing), "");
    }
}

#[test]
fn comments_keep_their_text_and_stand_in_columns() {
    let text = "\
let a=1#one  #  two\t
let long = a+1    ##three
#four
let b = 1 # alone
let s = \"# no comment\"
if a {# five
a# six
}
";
    let expected = "\
let a = 1         #one  #  two
let long = a + 1  ##three
#four
let b = 1  # alone
let s = \"# no comment\"
if a {  # five
    a  # six
}
";
    assert_eq!(formatted(text), expected);
}

#[test]
fn values_of_declarations_and_settings_stand_in_columns() {
    let text = "\
layer f(x: [n, d]) -> [n] {
param W: [d, d] = zeros
param b: [d] = zeros
state s: [d] = zeros
state longer: [d] = zeros
let y = x
let zzz = y
param far: [d, d, d, d, d, d] = zeros
param c: [d] = zeros
zzz
}
train f on data {
loss = mse
optimizer = sgd(lr = 0.1)

seed = 1
}
";
    let expected = "\
layer f(x: [n, d]) -> [n] {
    param W: [d, d] = zeros
    param b: [d]    = zeros
    state s: [d]      = zeros
    state longer: [d] = zeros
    let y = x
    let zzz = y
    param far: [d, d, d, d, d, d] = zeros
    param c: [d] = zeros
    zzz
}
train f on data {
    loss      = mse
    optimizer = sgd(lr = 0.1)

    seed = 1
}
";
    assert_eq!(formatted(text), expected);
}

#[test]
fn what_is_no_program_is_refused() {
    for text in [
        "let",
        "let a = (1",
        "a b",
        "}",
        "let s = \"",
        "a ? b",
        "let a = 99999999999999999999",
    ] {
        match format_source(text) {
            Err(FormatError::Program(diagnostics)) => assert!(!diagnostics.is_empty(), "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    // Deep brackets around many lines: blanks in front of each would make a text that is too long to be read again.
    let deep = format!(
        "let a = {}{}{}",
        "[\n".repeat(200),
        "1,\n".repeat(40_000),
        "]".repeat(200)
    );
    let Err(FormatError::Formatter(what)) = format_source(&deep) else {
        panic!("it is too long")
    };
    assert!(what.contains("bytes"), "{what}");
}

/// Words that make texts some of which are programs.
const WORDS: &[&str] = &[
    "x",
    "y",
    "over",
    "on",
    "to",
    "max[i]",
    "sum[i, j < 3]",
    "x[i]",
    "x[:, 1:]",
    "[..s]",
    "..",
    "f(",
    "(",
    ")",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\n",
    "\n",
    "\n\n",
    ";",
    "; ## d\n",
    "# c\n",
    "## d\n",
    "let",
    "=",
    "-",
    "-",
    "+",
    "^",
    "|>",
    "not",
    "1",
    "2.5",
    "\"a\"",
    "fn (x) { x }",
    "if x { y }",
    "else { x }",
    "print",
    "scan",
    "in",
    "repeat",
    "at most",
    "until",
    "param",
    "minimize x over y with z",
    "train x on y {",
    "0..3",
    "->",
    ".",
    "z.over",
];

#[test]
fn empty_statements_leave_nothing_behind() {
    assert_eq!(format_source("1 ; ; \n 1"), Ok("1\n1\n".into()));
    assert_eq!(format_source("1 ; ; 2"), Ok("1; 2\n".into()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_program_keeps_its_meaning(words in prop::collection::vec(prop::sample::select(WORDS), 1..9)) {
        let text = words.join(" ");
        match format_source(&text) {
            Ok(once) => prop_assert_eq!(format_source(&once), Ok(once), "from {:?}", text),
            Err(FormatError::Program(_)) => {}
            Err(FormatError::Formatter(what)) => prop_assert!(false, "{text:?}: {what}"),
        }
    }
}
