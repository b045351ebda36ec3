let steps = 40.0
let x[i < steps] = f32(i)
layer net(x: [n, t, d]) -> [n, t, d] { x |> multi_head_attention(3) }
let f = net()
print f(zeros[2, 5, 4])
layer placed(x: [n, t, d]) -> [n, t, d] { x |> position_embedding(4) }
let g = placed()
print g(zeros[2, 5, 4])
let target = placed()
target = g
