# Recurrent layers over sequences [n, time, features]. Weights follow PyTorch (gate order, two biases), transposed to
# [in, out]. `mask` is true at the steps of each sequence that exist: at the others the state stays as it was. `reverse` walks from
# the end. With `states = true` the result is a tuple: all outputs, then the state after the last step walked.

## One step of an Elman network: `tanh(x @ W_ih + b_ih + h @ W_hh + b_hh)`.
fn rnn_cell(x: [n, d], h: [n, u], W_ih: [d, u], W_hh: [u, u], b_ih: [u], b_hh: [u]) -> [n, u] {
    tanh(x @ W_ih + b_ih + (h @ W_hh + b_hh))
}

## One step of an LSTM. Gates i, f, g, o stand side by side in the weights; `c' = σ(f) * c + σ(i) * tanh(g)`, `h' = σ(o) * tanh(c')`.
fn lstm_cell(x: [n, d], h: [n, u], c: [n, u], W_ih: [d, 4 * u], W_hh: [u, 4 * u], b_ih: [4 * u], b_hh: [4 * u]) -> ([n, u], [n, u]) {
    let (i, f, g, o) = split(x @ W_ih + b_ih + (h @ W_hh + b_hh), 4, over = -1)
    let c_new = sigmoid(f) * c + sigmoid(i) * tanh(g)
    (sigmoid(o) * tanh(c_new), c_new)
}

## One step of a GRU. Gates r, z, n stand side by side in the weights;
## `n = tanh(x_n + σ(r) * h_n)`, `h' = (1 - σ(z)) * n + σ(z) * h`, where x_. and h_. are the parts from the input and from the state.
fn gru_cell(x: [n, d], h: [n, u], W_ih: [d, 3 * u], W_hh: [u, 3 * u], b_ih: [3 * u], b_hh: [3 * u]) -> [n, u] {
    let (x_r, x_z, x_n) = split(x @ W_ih + b_ih, 3, over = -1)
    let (h_r, h_z, h_n) = split(h @ W_hh + b_hh, 3, over = -1)
    let z = sigmoid(x_z + h_z)
    let candidate = tanh(x_n + sigmoid(x_r + h_r) * h_n)
    (1 - z) * candidate + z * h
}

## `new` in the rows where `m` is true, `old` in the others.
fn keep_rows(m: bool[n], new: [n, u], old: [n, u]) -> [n, u] {
    let y[a, k] = where(m[a], new[a, k], old[a, k])
    y
}

## The step of a scan's result that was walked last.
fn last_step(hs: [n, t, u], reverse) -> [n, u] {
    if reverse { hs[:, 0, :] } else { hs[:, t - 1, :] }
}

## An Elman network: `h_t = tanh(x_t @ W_ih + b_ih + h_(t-1) @ W_hh + b_hh)`. Gives h at every step.
## Source: Elman, "Finding structure in time" (1990).
layer rnn(hidden, reverse = false, states = false)(x: [n, t, d], h0: [n, hidden] = zeros[n, hidden], mask: bool[n, t] = none) {
    param W_ih: [d, hidden]      = glorot_uniform
    param W_hh: [hidden, hidden] = orthogonal
    param b_ih: [hidden]         = zeros
    param b_hh: [hidden]         = zeros
    let hs = if mask == none {
        if reverse {
            scan reverse x_t in x over t, h = h0 { rnn_cell(x_t, h, W_ih, W_hh, b_ih, b_hh) }
        } else {
            scan x_t in x over t, h = h0 { rnn_cell(x_t, h, W_ih, W_hh, b_ih, b_hh) }
        }
    } else {
        if reverse {
            scan reverse (x_t, m_t) in (x, mask) over t, h = h0 { keep_rows(m_t, rnn_cell(x_t, h, W_ih, W_hh, b_ih, b_hh), h) }
        } else {
            scan (x_t, m_t) in (x, mask) over t, h = h0 { keep_rows(m_t, rnn_cell(x_t, h, W_ih, W_hh, b_ih, b_hh), h) }
        }
    }
    if states { (hs, last_step(hs, reverse)) } else { hs }
}

## A long short-term memory: `c_t = σ(f) * c_(t-1) + σ(i) * tanh(g)`, `h_t = σ(o) * tanh(c_t)` with the gates `i, f, g, o` side by side in `x_t @ W_ih + b_ih + h_(t-1) @ W_hh + b_hh`. Gives h at every step; with `states = true` `(h at every step, last h, last c)`.
## Source: Hochreiter and Schmidhuber, "Long short-term memory" (1997); Gers, Schmidhuber and Cummins, "Learning to forget" (2000).
layer lstm(hidden, reverse = false, states = false)(
    x: [n, t, d], h0: [n, hidden] = zeros[n, hidden], c0: [n, hidden] = zeros[n, hidden], mask: bool[n, t] = none
) {
    param W_ih: [d, 4 * hidden]      = glorot_uniform
    param W_hh: [hidden, 4 * hidden] = orthogonal
    param b_ih: [4 * hidden]         = zeros
    param b_hh: [4 * hidden]         = zeros
    let (hs, cs) = if mask == none {
        if reverse {
            scan reverse x_t in x over t, (h, c) = (h0, c0) { lstm_cell(x_t, h, c, W_ih, W_hh, b_ih, b_hh) }
        } else {
            scan x_t in x over t, (h, c) = (h0, c0) { lstm_cell(x_t, h, c, W_ih, W_hh, b_ih, b_hh) }
        }
    } else {
        if reverse {
            scan reverse (x_t, m_t) in (x, mask) over t, (h, c) = (h0, c0) {
                let (h_new, c_new) = lstm_cell(x_t, h, c, W_ih, W_hh, b_ih, b_hh)
                (keep_rows(m_t, h_new, h), keep_rows(m_t, c_new, c))
            }
        } else {
            scan (x_t, m_t) in (x, mask) over t, (h, c) = (h0, c0) {
                let (h_new, c_new) = lstm_cell(x_t, h, c, W_ih, W_hh, b_ih, b_hh)
                (keep_rows(m_t, h_new, h), keep_rows(m_t, c_new, c))
            }
        }
    }
    if states { (hs, last_step(hs, reverse), last_step(cs, reverse)) } else { hs }
}

## A gated recurrent unit, with the reset gate applied after the product (PyTorch's form): `h_t = (1 - σ(x_z + h_z)) * tanh(x_n + σ(x_r + h_r) * h_n) + σ(x_z + h_z) * h_(t-1)`, where `x_r, x_z, x_n` are the parts of `x_t @ W_ih + b_ih` and `h_r, h_z, h_n` those of `h_(t-1) @ W_hh + b_hh`. Gives h at every step.
## Source: Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), version 3.
layer gru(hidden, reverse = false, states = false)(x: [n, t, d], h0: [n, hidden] = zeros[n, hidden], mask: bool[n, t] = none) {
    param W_ih: [d, 3 * hidden]      = glorot_uniform
    param W_hh: [hidden, 3 * hidden] = orthogonal
    param b_ih: [3 * hidden]         = zeros
    param b_hh: [3 * hidden]         = zeros
    let hs = if mask == none {
        if reverse {
            scan reverse x_t in x over t, h = h0 { gru_cell(x_t, h, W_ih, W_hh, b_ih, b_hh) }
        } else {
            scan x_t in x over t, h = h0 { gru_cell(x_t, h, W_ih, W_hh, b_ih, b_hh) }
        }
    } else {
        if reverse {
            scan reverse (x_t, m_t) in (x, mask) over t, h = h0 { keep_rows(m_t, gru_cell(x_t, h, W_ih, W_hh, b_ih, b_hh), h) }
        } else {
            scan (x_t, m_t) in (x, mask) over t, h = h0 { keep_rows(m_t, gru_cell(x_t, h, W_ih, W_hh, b_ih, b_hh), h) }
        }
    }
    if states { (hs, last_step(hs, reverse)) } else { hs }
}

## Two recurrent layers over one sequence, one in each direction, their outputs side by side:
## `x |> bidirectional(lstm(64), lstm(64, reverse = true))` is `[n, t, 128]`.
## Source: Schuster and Paliwal, "Bidirectional recurrent neural networks" (1997).
layer bidirectional(forward: layer, backward: layer)(x: [n, t, d]) {
    concat(forward(x), backward(x), over = -1)
}
