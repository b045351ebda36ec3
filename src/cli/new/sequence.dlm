# Sequences: whether a wave is round, square or a saw's, from series of unequal length.
# dlmc run model.dlm                  trains and prints how well
# dlmc run model.dlm hidden=48        with another setting

# Settings that the command line can change.
hyper hidden = 24
hyper rate = 0.01
hyper epochs = 40

# The lines of one series make one example; shorter ones are filled up, and `mask` says which steps exist.
let waves = csv("data.csv") |> sequences(by = "series", target = "wave") |> split(train = 0.8, seed = 1)

# n series of t steps with d numbers each.
layer model(hidden)(x: [n, t, d], mask: bool[n, t]) -> [n, 3] {
    let h = x |> gru(hidden, mask = mask)
    h |> mean_over_time(mask = mask) |> dense(3)
}

let net = model(hidden)
train net on waves.train {
    loss      = cross_entropy
    optimizer = adam(lr = rate)
    epochs    = epochs
    batch     = 16
    seed      = 1
    clip_norm = 1.0
    validate  = waves.test
    metrics   = [accuracy]
}

print "accuracy on the test part: {evaluate(net, waves.test, accuracy):.3}"
save net to "model.safetensors"
