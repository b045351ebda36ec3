fn f(x: [n, d]) { x |> dense(3) }
print f(zeros[2, 3])
