# Ratings of 30 users for 20 things, four fifths of them seen: vectors whose products they are.
let truth = normal[30, 3] @ transpose(normal[20, 3])
let user = i32(floor(uniform[1000] * 30))
let thing = i32(floor(uniform[1000] * 20))
let rating[a] = truth[user[a], thing[a]]
layer factors(users, things, rank)(user: i32[n], thing: i32[n]) -> [n] {
    param P: [users, rank]  = normal(0.1)
    param Q: [things, rank] = normal(0.1)
    let y[a] = sum[k] P[user[a], k] * Q[thing[a], k]
    y
}
let f = factors(30, 20, 3)
repeat 600 {
    minimize mse(f(user, thing), rating) + 1e-5 * (sum(f.P ^ 2) + sum(f.Q ^ 2)) with adam(lr = 0.03)
}
let all = f.P @ transpose(f.Q)
print "seen {mse(f(user, thing), rating):.4}"
print "all {mse(all, truth):.4}"
print "of {mean(truth ^ 2):.4}"
