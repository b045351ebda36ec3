/// The grammar of .dlm for tree-sitter. The grammar of record is that of the compiler (grammar/dlm.lalrpop); this one follows it rule by rule.
/// Newlines that end a statement come from src/scanner.c.

const PREC = { minimize: 1, pipe: 2, or: 3, and: 4, not: 5, compare: 6, add: 7, term: 8, unary: 9, power: 10, postfix: 11 };

// Words that are names where they begin no statement, and those that are names wherever no clause wants them.
const SOFT = ["layer", "optimizer", "param", "state", "hyper", "import", "train", "save", "load", "reverse"];
const CLAUSE = ["over", "with", "to", "from", "on"];
const REDUCERS = ["sum", "mean", "max", "min", "prod", "argmax"];

const comma = (rule) => optional(comma1(rule));
const comma1 = (rule) => seq(rule, repeat(seq(",", rule)), optional(","));
const list1 = (rule) => seq(rule, repeat(seq(",", rule)));

module.exports = grammar({
  name: "dlm",

  word: ($) => $.identifier,

  externals: ($) => [$._newline],

  extras: ($) => [/[ \t\r\f\n\uFEFF]/, $.comment],

  supertypes: ($) => [$.statement, $.expression],

  rules: {
    source_file: ($) => optional($._statements),

    _statements: ($) => seq($.statement, repeat(seq(repeat1($._newline), $.statement)), repeat($._newline)),

    block: ($) => seq("{", optional($._statements), "}"),

    statement: ($) =>
      choice(
        $.hyper_declaration,
        $.layer_declaration,
        $.function_declaration,
        $.optimizer_declaration,
        $.param_declaration,
        $.state_declaration,
        $.let_declaration,
        $.import_statement,
        $.print_statement,
        $.plot_statement,
        $.save_statement,
        $.load_statement,
        $.assert_statement,
        $.train_statement,
        $.repeat_statement,
        $.for_statement,
        $.assignment,
        $.expression_statement,
      ),

    hyper_declaration: ($) => seq("hyper", field("name", $._name), optional($._annotation), "=", field("value", $._value)),
    layer_declaration: ($) =>
      seq("layer", field("name", $._name), $.parameters, optional($.parameters), optional($._result), field("body", $.block)),
    function_declaration: ($) => seq("fn", field("name", $._name), $.parameters, optional($._result), field("body", $.block)),
    optimizer_declaration: ($) => seq("optimizer", field("name", $._name), $.parameters, $.parameters, field("body", $.block)),
    param_declaration: ($) => seq("param", field("name", $._name), $._annotation, optional(seq("=", field("value", $._value)))),
    state_declaration: ($) => seq("state", field("name", $._name), optional($._annotation), "=", field("value", $._value)),
    let_declaration: ($) =>
      seq(
        "let",
        choice(
          seq(field("name", $._pattern), optional($._annotation)),
          seq(field("name", $._name), "[", comma($.index_declaration), "]"),
        ),
        "=",
        field("value", $._value),
      ),
    import_statement: ($) => seq("import", field("path", $.string)),
    print_statement: ($) => prec.right(seq("print", list1($._value))),
    plot_statement: ($) => seq("plot", $._value, "to", $.expression),
    save_statement: ($) => seq("save", $._path, "to", $.expression),
    load_statement: ($) => seq("load", $._path, "from", $.expression),
    assert_statement: ($) => seq("assert", $.expression, optional(seq(",", $.expression))),
    train_statement: ($) => seq("train", field("model", $._path), "on", field("data", $.expression), $.settings),
    settings: ($) => seq("{", optional(seq($.setting, repeat(seq(repeat1($._newline), $.setting)), repeat($._newline))), "}"),
    setting: ($) => seq(field("name", $._name), "=", field("value", $._value)),
    repeat_statement: ($) =>
      seq("repeat", choice(field("count", $.expression), seq("until", field("condition", $.expression), ",", $.at_most, $.expression)), field("body", $.block)),
    at_most: () => token(seq("at", /[ \t]+/, "most")),
    for_statement: ($) => seq("for", field("name", $._pattern), "in", $._source, field("body", $.block)),
    assignment: ($) => seq(field("target", $._postfix), "=", field("value", $._value)),
    expression_statement: ($) => $._value,

    parameters: ($) => seq("(", comma($.parameter), ")"),
    parameter: ($) => seq(field("name", $._name), optional($._annotation), optional(seq("=", field("value", $._value)))),
    _annotation: ($) => seq(":", field("type", $._type)),
    _result: ($) => seq("->", field("result", $._type)),
    _type: ($) => choice($.tensor_type, $.named_type, $.function_type, $.tuple_type),
    tensor_type: ($) => seq(optional(field("element", $._name)), "[", comma($._dimension), "]"),
    named_type: ($) => $._name,
    function_type: () => "fn",
    tuple_type: ($) => seq("(", comma($._type), ")"),
    _dimension: ($) => choice($.expression, $.rest),
    rest: ($) => prec.right(seq("..", optional($._name))),
    _pattern: ($) => choice($._name, $.tuple_pattern),
    tuple_pattern: ($) => seq("(", list1($._pattern), ")"),
    index_declaration: ($) => seq(field("name", $._name), optional(seq("<", field("bound", $.expression)))),
    _source: ($) => choice($._value, $.range),
    range: ($) => seq($.expression, choice("..", "..="), $.expression),
    _path: ($) => choice($._name, $.path),
    path: ($) => seq($._path, ".", field("name", $._name)),

    // A value may be a `minimize`, which is no operand.
    _value: ($) => choice($.expression, $.minimize),
    minimize: ($) =>
      prec.right(
        PREC.minimize,
        seq("minimize", field("objective", $.expression), optional(seq("over", list1($._postfix))), "with", field("optimizer", $.expression)),
      ),

    expression: ($) => choice($.pipe, $.binary, $.unary, $.reduction, $._postfix),
    pipe: ($) => prec.left(PREC.pipe, seq($.expression, "|>", $._postfix)),
    binary: ($) =>
      choice(
        ...[
          ["or", PREC.or],
          ["and", PREC.and],
          ["==", PREC.compare],
          ["!=", PREC.compare],
          ["<", PREC.compare],
          ["<=", PREC.compare],
          [">", PREC.compare],
          [">=", PREC.compare],
          ["+", PREC.add],
          ["-", PREC.add],
          ["*", PREC.term],
          ["/", PREC.term],
          ["//", PREC.term],
          ["%", PREC.term],
          ["@", PREC.term],
        ].map(([operator, precedence]) => prec.left(precedence, seq($.expression, field("operator", operator), $.expression))),
        prec.right(PREC.power, seq($._postfix, field("operator", "^"), $.expression)),
      ),
    unary: ($) => choice(prec(PREC.not, seq("not", $.expression)), prec(PREC.unary, seq("-", $.expression))),
    // `sum[i] body` reaches as far as products do.
    reduction: ($) =>
      prec.right(PREC.term, seq(field("function", $.reducer), token.immediate(prec(1, "[")), comma($.index_declaration), "]", field("body", $.expression))),
    reducer: () => choice(...REDUCERS),

    _postfix: ($) => choice($._atom, $.call, $.index, $.field, $.parenthesized),
    parenthesized: ($) => seq("(", $._value, ")"),
    call: ($) => prec.left(PREC.postfix, seq(field("function", $._postfix), $.arguments)),
    arguments: ($) => seq("(", comma(choice($._value, $.named_argument)), ")"),
    named_argument: ($) => seq(field("name", $._name), "=", field("value", $._value)),
    index: ($) => prec.left(PREC.postfix, seq(field("value", $._postfix), "[", comma($._subscript), "]")),
    _subscript: ($) => choice($.expression, $.rest, $.slice),
    slice: ($) => seq(optional($.expression), ":", optional($.expression)),
    field: ($) => prec.left(PREC.postfix, seq(field("value", $._postfix), ".", field("name", $._name))),

    _atom: ($) => choice($._name, $.number, $.string, $.true, $.false, $.tuple, $.list, $.function, $.if, $.scan),
    true: () => "true",
    false: () => "false",
    tuple: ($) => seq("(", $._value, ",", comma($._value), ")"),
    list: ($) => seq("[", comma(choice($._value, $.named_item, $.rest)), "]"),
    named_item: ($) => seq(field("name", $._name), "=", field("value", $._value)),
    function: ($) => seq("fn", $.parameters, optional($._result), field("body", $.block)),
    if: ($) => prec.right(seq("if", field("condition", $.expression), $.block, optional(seq("else", choice($.block, $.if))))),
    scan: ($) =>
      seq(
        "scan",
        optional("reverse"),
        field("name", $._pattern),
        "in",
        $._source,
        optional(seq("over", field("over", $.expression))),
        repeat(seq(",", $.scan_state)),
        field("body", $.block),
      ),
    scan_state: ($) => seq(field("name", $._pattern), "=", field("value", $._value)),

    string: ($) => seq('"', repeat(choice($.escape, $.interpolation, $.string_content)), token.immediate('"')),
    string_content: () => token.immediate(prec(1, /[^"\\\n{}]+/)),
    escape: () => token.immediate(choice(/\\[^\n]/, "{{", "}}")),
    interpolation: ($) => seq(token.immediate("{"), $.expression, optional($.format), "}"),
    format: () => token(prec(1, /:([0-9]+(\.[0-9]+)?[fe%]?|\.[0-9]+[fe%]?|[fe%])/)),

    number: () => /[0-9][0-9_]*(\.[0-9]+)?([eE][+-]?[0-9]+)?/,

    // The words that are keywords in some places only are names in all others.
    _name: ($) =>
      choice($.identifier, alias(choice(...SOFT, ...CLAUSE, ...REDUCERS), $.identifier), prec(-1, alias("until", $.identifier))),
    identifier: () => /[\p{XID_Start}_][\p{XID_Continue}\u2032\u2080-\u2089]*/,

    comment: () => token(seq("#", /[^\n]*/)),
  },
});
