let teacher = normal[8, 4]
layer student(x: [n, d]) -> [n, 4] { x |> dense(4) }
let net = student()
let x = normal[8, 3]
minimize kl(softmax(net(x)), softmax(teacher)) with adam(lr = 0.001)
