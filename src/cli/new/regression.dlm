# A regression: the rent of a flat from its area, rooms, age and distance.
# dlmc run model.dlm                  trains and prints how well
# dlmc run model.dlm hidden=32        with another setting

# Settings that the command line can change.
hyper hidden = 16
hyper rate = 0.01
hyper epochs = 60

# The table. `standardize` brings each column but the target to mean 0 and deviation 1, as the training part has them.
let flats = csv("data.csv") |> target("rent") |> standardize |> split(train = 0.8, seed = 1)

# n examples of d columns in, n numbers out. The sizes are checked before anything runs.
layer model(hidden)(x: [n, d]) -> [n] {
    let h = x |> dense(hidden) |> tanh
    let y = h |> dense(1)
    # Rents are about a thousand, numbers in a network about one.
    1000 * y[:, 0]
}

let net = model(hidden)
train net on flats.train {
    loss      = mse
    optimizer = adam(lr = rate)
    epochs    = epochs
    batch     = 16
    seed      = 1
    validate  = flats.test
}

print "explained on the test part (r2): {evaluate(net, flats.test, r2):.3}"
save net to "model.safetensors"
