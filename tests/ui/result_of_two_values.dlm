layer vae(code)(x: [n, d]) -> ([n, d], [n, code], [n, code]) {
    let mu = x |> dense(code)
    (mu |> dense(d), mu)
}
let net = vae(4)
let (y, mu, logvar) = net(normal[16, 8])
