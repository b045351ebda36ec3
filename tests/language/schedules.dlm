# Rates over the steps: the slope of `sum(w)` is 1, so each step takes the rate off.
layer one(x: [n]) -> [] {
    param w: [] = zeros
    sum(w * x)
}
let warm = one()
repeat 6 { minimize warm([1]) with sgd(lr = cosine(0.1, steps = 10, warmup = 4, final = 0.02)) }
# 0.1 (1/4 + 2/4 + 3/4 + 1), then 0.02 + 0.04 (1 + cos(π p)) at p = 0, 1/6.
print "{warm.w:.6} {-0.25 - 0.1 - 0.02 - 0.04 * (1 + cos(3.14159265 / 6)):.6}"
let stepped = one()
repeat 5 { minimize stepped([1]) with sgd(lr = step_decay(0.8, factor = 0.5, steps = 2)) }
print "{stepped.w:.6} {-(0.8 + 0.8 + 0.4 + 0.4 + 0.2):.6}"
let smooth = one()
repeat 3 { minimize smooth([1]) with sgd(lr = exponential(0.8, factor = 0.25, steps = 2)) }
print "{smooth.w:.6} {-(0.8 + 0.4 + 0.2):.6}"
# In epochs of 2 steps: a warm-up of 1 epoch is 2 steps.
let set = data(x = [[1], [1], [1], [1]], y = [0, 0, 0, 0])
layer row(x: [n, 1]) -> [n] {
    param w: [] = zeros
    w * x[:, 0]
}
let trained = row()
train trained on set { loss = fn (b) { mean(trained(b.x)) }; optimizer = sgd(lr = cosine(0.1, epochs = 2, warmup = 1)); epochs = 2; batch = 2 }
print "{trained.w:.6} {-0.1 * (0.5 + 1 + 1 + 0.5 * (1 + cos(3.14159265 / 2))):.6}"
let decayed = one()
repeat 2 { minimize decayed([1]) with rmsprop(lr = 0.1, decay = 0.5) }
print "{decayed.w:.6} {-0.1 / sqrt(0.5) - 0.1 / sqrt(0.75):.6}"
