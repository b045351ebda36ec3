# Attention. Heads stand third: [n, time, heads, features of a head].

## Scaled dot-product attention: `softmax(q k^T / sqrt(e)) v` for each head. With `causal`, step i sees steps `j <= i` only; where `mask`
## is false, no step sees step j. A step that may see nothing sees all equally.
## Source: Vaswani et al., "Attention is all you need" (2017), equation 1.
fn attention(q: [n, t, heads, e], k: [n, u, heads, e], v: [n, u, heads, f], causal = false, mask: bool[n, u] = none) -> [n, t, heads, f] {
    let score[b, h, i, j] = (sum[l] q[b, i, h, l] * k[b, j, h, l]) / sqrt(e)
    let seen = if causal { causal_scores(score) } else { score }
    let kept = if mask == none { seen } else { masked_scores(seen, mask) }
    let p = softmax(kept, over = -1)
    let y[b, i, h, l] = sum[j] p[b, h, i, j] * v[b, j, h, l]
    y
}

## Scores with those of later steps out of play.
fn causal_scores(score: [n, heads, t, u]) -> [n, heads, t, u] {
    let y[b, h, i, j] = where(j <= i, score[b, h, i, j], -1.0e30)
    y
}

## Scores with those of masked steps out of play.
fn masked_scores(score: [n, heads, t, u], mask: bool[n, u]) -> [n, heads, t, u] {
    let y[b, h, i, j] = where(mask[b, j], score[b, h, i, j], -1.0e30)
    y
}

## Attention of a sequence to itself by several heads: queries, keys and values are dense maps of x, the heads' results side by
## side go through one more. d must be a multiple of `heads`.
## Source: Vaswani et al. (2017), section 3.2.2.
layer multi_head_attention(heads, causal = false)(x: [n, t, d], mask: bool[n, t] = none) -> [n, t, d] {
    param W_q: [d, d] = glorot_uniform
    param b_q: [d]    = zeros
    param W_k: [d, d] = glorot_uniform
    param b_k: [d]    = zeros
    param W_v: [d, d] = glorot_uniform
    param b_v: [d]    = zeros
    param W_o: [d, d] = glorot_uniform
    param b_o: [d]    = zeros
    let q = reshape(x @ W_q + b_q, [n, t, heads, d / heads])
    let k = reshape(x @ W_k + b_k, [n, t, heads, d / heads])
    let v = reshape(x @ W_v + b_v, [n, t, heads, d / heads])
    let y = attention(q, k, v, causal = causal, mask = mask)
    reshape(y, [n, t, d]) @ W_o + b_o
}
