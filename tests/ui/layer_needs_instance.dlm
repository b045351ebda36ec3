layer f(x: [n]) -> [n] { x }
print f([1.0])
