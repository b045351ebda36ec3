layer f(x: [n]) -> [n] {
    print x
    x
}
let g = f()
let y = g([1, 2])
