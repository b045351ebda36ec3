# A hidden Markov model of two states: the forward algorithm is a scan, its parameters are found by gradient.
let hidden = scan i in 0..1000, s = 0.0 { where(uniform[] < 0.1, 1 - s, s) }
let seen = i32(where(uniform[1000] < 0.15, 1 - hidden, hidden))
layer model(k, symbols)(o: i32[t]) -> [] {
    param start: [k]         = zeros
    param move: [k, k]       = normal(0.5)
    param show: [k, symbols] = normal(0.5)
    let moves = log_softmax(move)
    let shows = log_softmax(show)
    let end = last(scan o_t in o, a = log_softmax(start) {
        shows[:, o_t] + logsumexp(reshape(a, [k, 1]) + moves, over = 0)
    })
    -logsumexp(end) / t
}
let f = model(2, 2)
repeat 400 { minimize f(seen) with adam(lr = 0.03) }
let moves = softmax(f.move)
let shows = softmax(f.show)
print "stay {0.5 * (moves[0, 0] + moves[1, 1]):.3}"
print "wrong {0.5 * (min(shows[0, 0], shows[0, 1]) + min(shows[1, 0], shows[1, 1])):.3}"
