let set = data(x = [[1, 2], [3, 4]], y = [0.0, 1.0])
layer yes(x: [n, d]) -> [n, 1] { x |> dense(1) }
let net = yes()
repeat 3 {
    minimize cross_entropy(net([[1, 2], [3, 4]]), i32([0, 1])) with adam(lr = 0.01)
}
