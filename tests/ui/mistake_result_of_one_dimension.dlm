layer m(x: [n, d]) -> [n, 1] { x |> dense(1) |> reshape([n]) }
print m()(zeros[2, 4])
layer k(hidden)(x: [n, d]) -> [n, 3] {
    x |> dense(hidden) |> relu |> dense(2)
}
print k(8)(zeros[2, 4])
