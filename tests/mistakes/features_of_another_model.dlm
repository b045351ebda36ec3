layer module(x: [n, d]) -> [n, 768] {
    param prob_m: [768, 768] = glorot_uniform
    x @ prob_m
}
let net = module()
print net(zeros[512, 2048])
