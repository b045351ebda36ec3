# A table as it comes: missing cells, a column of words, a target of hundreds. Trained until the validation stands still.
let flats = csv("flats.csv")
    |> target("price")
    |> fill_missing("median")
    |> one_hot("quarter")
    |> standardize
    |> standardize("y")
    |> split(train = 0.8, seed = 2)

layer price(hidden)(x: [n, d]) -> [n] {
    x |> dense(hidden) |> tanh |> dense(1) |> reshape([n])
}

let net = price(8)
train net on flats.train {
    loss      = mse
    optimizer = adam(lr = 0.02)
    epochs    = 400
    batch     = 16
    seed      = 1
    validate  = flats.test
    metrics   = [r2]
    stop      = no_improvement(epochs = 40)
}
print "explained {evaluate(net, flats.test, r2):.4}"
