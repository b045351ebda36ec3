# Images: whether a bar lies, stands, or both cross, in noise.
# dlmc run model.dlm                  trains and prints how well
# dlmc run model.dlm channels=16      with another setting

# Settings that the command line can change.
hyper channels = 8
hyper rate = 0.005
hyper epochs = 15

# Each row holds 64 pixels from 0 to 255; images are [n, channels, height, width].
let drawings = csv("data.csv") |> target("shape") |> scale(0.004) |> reshape(1, 8, 8) |> split(train = 0.8, seed = 1)

layer model(channels)(x: [n, 1, 8, 8]) -> [n, 3] {
    x |> conv2d(channels, kernel = 3, padding = 1) |> relu |> max_pool(2)
        |> conv2d(2 * channels, kernel = 3, padding = 1) |> relu |> max_pool(2)
        |> flatten |> dense(3)
}

let net = model(channels)
train net on drawings.train {
    loss      = cross_entropy
    optimizer = adam(lr = rate)
    epochs    = epochs
    batch     = 16
    seed      = 1
    validate  = drawings.test
    metrics   = [accuracy]
}

print "accuracy on the test part: {evaluate(net, drawings.test, accuracy):.3}"
save net to "model.safetensors"
