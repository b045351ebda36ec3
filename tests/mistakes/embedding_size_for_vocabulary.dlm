let tokens: i32[1, 1] = [[0]]
let table = embedding(6, 32)
for i in 0..20 {
    let next = categorical(table(tokens)[:, 0, :])
    let tokens = reshape(next, [1, 1])
}
print tokens
