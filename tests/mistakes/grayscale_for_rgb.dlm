layer net(x: [n, 3, 20, 20]) -> [n, 10] { x |> conv2d(8, kernel = 7) |> relu |> flatten |> dense(10) }
let m = net()
print m(normal[64, 1, 20, 20])
