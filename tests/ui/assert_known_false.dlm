layer f(x: [n]) -> [n] { x }
assert 1 + 1 == 3, "arithmetic"
