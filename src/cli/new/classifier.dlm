# A classifier: the colour of a point from its two coordinates.
# dlmc run model.dlm                  trains and prints how well
# dlmc run model.dlm hidden=64        with another setting

# Settings that the command line can change.
hyper hidden = 32
hyper rate = 0.01
hyper epochs = 60

# A column of text as target makes classes, numbered in the order of their names.
let points = csv("data.csv") |> target("colour") |> standardize |> split(train = 0.8, seed = 1)

# n examples of d columns in, a score for each of three classes out.
layer model(hidden)(x: [n, d]) -> [n, 3] {
    x |> dense(hidden) |> relu |> dense(hidden) |> relu |> dense(3)
}

let net = model(hidden)
train net on points.train {
    loss      = cross_entropy
    optimizer = adam(lr = rate)
    epochs    = epochs
    batch     = 16
    seed      = 1
    validate  = points.test
    metrics   = [accuracy]
}

print "accuracy on the test part: {evaluate(net, points.test, accuracy):.3}"
save net to "model.safetensors"
