layer twice(x: [n, d]) -> [n, d] { 2 * x }
for i in 0..3 {
    layer twice(x: [n, d]) -> [n, d] { 3 * x }
    fn half(x) { x / 2 }
    print half(i)
}
