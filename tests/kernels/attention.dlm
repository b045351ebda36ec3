# Attention and recurrences, forward and backward.
let q = normal[2, 24, 4, 16]
let k = normal[2, 24, 4, 16]
let v = normal[2, 24, 4, 16]
let open = attention(q, k, v)
print sum(open), grad(sum(open * open), q), grad(sum(open * open), k), grad(sum(open * open), v)
let causal = attention(q, k, v, causal = true)
print sum(causal), grad(sum(causal * causal), q), grad(sum(causal * causal), k), grad(sum(causal * causal), v)

let x = normal[8, 20, 24]
let w = normal[24, 32]
let r = normal[32, 32]
let h = scan x_t in x over 1, h = zeros[8, 32] { tanh(x_t @ w + h @ r) }
print sum(h), grad(sum(h * h), x), grad(sum(h * h), w), grad(sum(h * h), r)
