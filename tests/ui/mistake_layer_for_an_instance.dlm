layer line(x: [n, d]) -> [n, d] { x |> dense(d) }
fn twice(f: layer, x: [n, d], h) -> [n, d] { h * f(f(x)) }
print twice(line, [[1, 2]], 1)
let encode = line
print encode([[1, 2]])
for step in 1..=2 {
    print encode([[1, 2]])
}
let f = line()
print twice(f, 1)
