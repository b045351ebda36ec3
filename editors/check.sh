#!/bin/sh
# Proves the tree-sitter grammar: generates the parser, runs its own tests and the queries, and parses every program of the repository.
# Wants the tree-sitter CLI (`cargo install tree-sitter-cli`), node and a C compiler.
set -eu
cd "$(dirname "$0")/tree-sitter-dlm"
tree-sitter generate
tree-sitter test
failed=0
for file in ../../std/*.dlm ../../examples/*.dlm ../../tests/programs/*.dlm ../../tests/language/*.dlm; do
    [ -f "$file" ] || continue
    tree-sitter parse --quiet "$file" || failed=1
    tree-sitter query queries/highlights.scm "$file" > /dev/null || failed=1
done
[ "$failed" = 0 ] && echo "every program parses without an error"
exit "$failed"
