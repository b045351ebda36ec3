# A transpose takes the names that the reshape inside it has just given, bound elsewhere or not.
layer split_heads(heads)(x: [n, t, d]) -> [n, heads, t, d / heads] {
    transpose(reshape(x, [n, t, heads, e = d / heads]), [n, heads, t, e])
}
let net = split_heads(2)
let x = [[[1, 2, 3, 4], [5, 6, 7, 8]]]
print net(x)
