layer factors(users, rank)(user: i32[n]) -> [n, rank] {
    param P: [users, rank] = normal
    let y[a, k] = P[user[a], k]
    y
}
let f = factors(3, 2)
let user = [0, 1]
minimize sum(f(user)) + sum(f.P ^ 2) with sgd(lr = 0.1)
