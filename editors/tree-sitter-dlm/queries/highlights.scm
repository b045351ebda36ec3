; Later patterns win.
(identifier) @variable

(comment) @comment
((comment) @comment.documentation
  (#match? @comment.documentation "^##"))

(number) @number
(true) @boolean
(false) @boolean
(string) @string
(escape) @string.escape
(format) @string.special
(interpolation
  "{" @punctuation.special
  "}" @punctuation.special) @embedded

((identifier) @constant.builtin
  (#any-of? @constant.builtin "none" "training" "pi" "step" "steps_per_epoch"))

(field name: (identifier) @property)
(path name: (identifier) @property)
(setting name: (identifier) @property)
(named_argument name: (identifier) @variable.parameter)
(named_item name: (identifier) @variable.parameter)
(parameter name: (identifier) @variable.parameter)
(index_declaration name: (identifier) @variable.parameter)

(call function: (identifier) @function.call)
(call function: (field name: (identifier) @function.call))
(pipe (identifier) @function.call .)
(reducer) @function.builtin

(function_declaration name: (identifier) @function)
(layer_declaration name: (identifier) @type)
(optimizer_declaration name: (identifier) @type)
(param_declaration name: (identifier) @variable.member)
(state_declaration name: (identifier) @variable.member)
(hyper_declaration name: (identifier) @constant)

(named_type) @type.builtin
(tensor_type element: (identifier) @type.builtin)
(function_type) @type.builtin

[
  "let"
  "fn"
  "layer"
  "optimizer"
  "param"
  "state"
  "hyper"
] @keyword

[
  "import"
] @keyword.import

[
  "print"
  "plot"
  "save"
  "load"
  "assert"
  "train"
  "minimize"
  "over"
  "with"
  "to"
  "from"
  "on"
] @keyword

(print_statement "print" @keyword)

[
  "if"
  "else"
] @keyword.conditional

[
  "for"
  "in"
  "scan"
  "reverse"
  "repeat"
  "until"
  (at_most)
] @keyword.repeat

[
  "and"
  "or"
  "not"
] @keyword.operator

[
  "|>"
  "->"
  "="
  "=="
  "!="
  "<"
  "<="
  ">"
  ">="
  "+"
  "-"
  "*"
  "/"
  "//"
  "%"
  "@"
  "^"
  ".."
  "..="
] @operator

[
  ","
  ":"
  "."
] @punctuation.delimiter

[
  "{"
  "}"
  "("
  ")"
  "["
  "]"
] @punctuation.bracket
