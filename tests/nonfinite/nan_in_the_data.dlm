let d = npz("points.npz")
layer line(x: [n, d]) -> [n, 1] { x |> dense(1) }
let net = line()
train net on d {
    loss      = mse
    optimizer = adam(lr = 0.01)
    epochs    = 5
    batch     = 2
    shuffle   = false
}
print "never"
