# A mixture density network: x = y + 0.3 sin(2 pi y), turned round. For some x there are three y, so that their mean is none of them.
layer mixture(k)(x: [n, 1]) -> ([n, k], [n, k], [n, k]) {
    let h = x |> dense(32) |> tanh
    (h |> dense(k) |> log_softmax, h |> dense(k), h |> dense(k) |> softplus)
}

fn negative_log_likelihood(share: [n, k], mean_of: [n, k], deviation: [n, k], y: [n]) -> [] {
    let each[i, j] = share[i, j] - ((y[i] - mean_of[i, j]) / deviation[i, j]) ^ 2 / 2 - log(deviation[i, j])
    log(2 * 3.14159265) / 2 - mean(logsumexp(each, over = 1))
}

layer plain(x: [n, 1]) -> [n] { x |> dense(32) |> tanh |> dense(1) |> reshape([n]) }

let y = uniform[500]
let x = reshape(y + 0.3 * sin(6.2831853 * y) + 0.05 * normal[500], [500, 1])
let net = mixture(3)
let one = plain()
repeat 1500 {
    let (share, mean_of, deviation) = net(x)
    minimize negative_log_likelihood(share, mean_of, deviation + 1e-3, y) over net with adam(lr = 0.01)
    minimize mse(one(x), y) over one with adam(lr = 0.01)
}
let (share, mean_of, deviation) = net(x)
# The best that one bell of one width can do.
let spread = sqrt(mse(one(x), y))
let single = log(spread) + log(2 * 3.14159265) / 2 + 0.5
print "mixture {negative_log_likelihood(share, mean_of, deviation + 1e-3, y):.3} single {single:.3}"
