layer coupling(hidden, side)(x: [n, d], y: [n, d]) -> [n, d] { x + y |> dense(hidden) |> dense(d) }
let x = [[1, 2]]
print coupling(8, 1, x, x)
