fn halves(x: [n]) -> ([n], [n]) { (x / 2, x / 2) }
let a, b = halves([1, 2])
layer tower(x: [n, d]) -> [n, d] {
    for w in 2, 4 { let x = x |> dense(w) }
    x
}
