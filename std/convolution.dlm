# Convolutions over images [n, channels, height, width] and sequences [n, channels, time]. As in PyTorch, these are
# cross-correlations: the kernel is not mirrored. A size along one dimension is (in + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1.
# The functions take their weights as arguments; the layers hold them. In two dimensions `stride`, `padding` and `dilation` serve
# both, and `stride_w`, `padding_w` and `dilation_w` set the width apart.

## `y[n, o, i] = sum[c, k] x[n, c, stride*i + dilation*k - padding] * W[o, c, k]`, within each of `groups` groups of channels.
fn conv1d_op(x: [n, c, t], W: [o, cg, k], stride = 1, padding = 0, dilation = 1, groups = 1) -> [n, o, (t + 2 * padding - dilation * (k - 1) - 1) // stride + 1] {
    let p = pad(x, left = padding, right = padding, over = 2)
    if groups == 1 {
        let y[b, f, i] = sum[q, u] p[b, q, stride * i + dilation * u] * W[f, q, u]
        y
    } else {
        let pg = reshape(p, [n, groups, cg, t + 2 * padding])
        let Wg = reshape(W, [groups, o / groups, cg, k])
        let y[b, g, f, i] = sum[q, u] pg[b, g, q, stride * i + dilation * u] * Wg[g, f, q, u]
        reshape(y, [n, o, (t + 2 * padding - dilation * (k - 1) - 1) // stride + 1])
    }
}

## `y[n, o, i, j] = sum[c, k, l] x[n, c, stride*i + dilation*k - padding, stride_w*j + dilation_w*l - padding_w] * W[o, c, k, l]`,
## within each of `groups` groups of channels.
fn conv2d_op(
    x: [n, c, h, w], W: [o, cg, kh, kw], stride = 1, padding = 0, dilation = 1, groups = 1,
    stride_w = stride, padding_w = padding, dilation_w = dilation
) -> [n, o, (h + 2 * padding - dilation * (kh - 1) - 1) // stride + 1, (w + 2 * padding_w - dilation_w * (kw - 1) - 1) // stride_w + 1] {
    let p = pad(pad(x, left = padding, right = padding, over = 2), left = padding_w, right = padding_w, over = 3)
    if groups == 1 {
        let y[b, f, i, j] = sum[q, u, v] p[b, q, stride * i + dilation * u, stride_w * j + dilation_w * v] * W[f, q, u, v]
        y
    } else {
        let pg = reshape(p, [n, groups, cg, h + 2 * padding, w + 2 * padding_w])
        let Wg = reshape(W, [groups, o / groups, cg, kh, kw])
        let y[b, g, f, i, j] = sum[q, u, v] pg[b, g, q, stride * i + dilation * u, stride_w * j + dilation_w * v] * Wg[g, f, q, u, v]
        reshape(y, [n, o, (h + 2 * padding - dilation * (kh - 1) - 1) // stride + 1, (w + 2 * padding_w - dilation_w * (kw - 1) - 1) // stride_w + 1])
    }
}

## Convolution over time with a bias: `y[n, o, i] = b[o] + sum[c, k] x[n, c, stride*i + dilation*k - padding] * W[o, c, k]`. `W: [channels, c / groups, kernel]`.
layer conv1d(channels, kernel, stride = 1, padding = 0, dilation = 1, groups = 1)(x: [n, c, t]) -> [n, channels, (t + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1] {
    param W: [channels, c / groups, kernel] = he_uniform
    param b: [channels] = zeros
    let y = conv1d_op(x, W, stride = stride, padding = padding, dilation = dilation, groups = groups)
    y + reshape(b, [channels, 1])
}

## Convolution over images with a square kernel and a bias: `y[n, o, i, j] = b[o] + sum[c, k, l] x[n, c, stride*i + dilation*k - padding, stride*j + dilation*l - padding] * W[o, c, k, l]`. `W: [channels, c / groups, kernel, kernel]`.
## Source: LeCun et al., "Gradient-based learning applied to document recognition" (1998).
layer conv2d(channels, kernel, stride = 1, padding = 0, dilation = 1, groups = 1)(x: [n, c, h, w]) -> [n, channels, (h + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1, (w + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1] {
    param W: [channels, c / groups, kernel, kernel] = he_uniform
    param b: [channels] = zeros
    let y = conv2d_op(x, W, stride = stride, padding = padding, dilation = dilation, groups = groups)
    y + reshape(b, [channels, 1, 1])
}

## `stride - 1` zeros set between neighbours of the last dimension: `[n, c, t]` becomes `[n, c, (t - 1) * stride + 1]`.
fn spread1d(x: [n, c, t], stride) -> [n, c, (t - 1) * stride + 1] {
    if stride == 1 {
        x
    } else {
        let z = pad(reshape(x, [n, c, t, 1]), left = 0, right = stride - 1, over = 3)
        reshape(z, [n, c, t * stride])[:, :, :(t - 1) * stride + 1]
    }
}

## `stride - 1` zeros set between neighbours in height, `stride_w - 1` in width.
fn spread2d(x: [n, c, h, w], stride, stride_w) -> [n, c, (h - 1) * stride + 1, (w - 1) * stride_w + 1] {
    if stride == 1 and stride_w == 1 {
        x
    } else {
        let z = pad(pad(reshape(x, [n, c, h, 1, w, 1]), left = 0, right = stride - 1, over = 3), left = 0, right = stride_w - 1, over = 5)
        reshape(z, [n, c, h * stride, w * stride_w])[:, :, :(h - 1) * stride + 1, :(w - 1) * stride_w + 1]
    }
}

## The transpose of `conv1d_op` with the same numbers: every `x[n, c, i]` adds `x * W[c, o, k]` at `y[n, o, stride*i + dilation*k - padding]`.
## `W: [c, o / groups, k]`, as in PyTorch. The size is `(t - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1`.
## Needs `padding <= dilation * (k - 1)`.
fn conv_transpose1d_op(x: [n, c, t], W: [c, og, k], stride = 1, padding = 0, output_padding = 0, dilation = 1, groups = 1) -> [n, og * groups, (t - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1] {
    let edge = dilation * (k - 1) - padding
    let p = pad(spread1d(x, stride), left = edge, right = edge + output_padding, over = 2)
    if groups == 1 {
        let y[b, f, i] = sum[q, u < k] p[b, q, i + dilation * u] * W[q, f, k - 1 - u]
        y
    } else {
        let pg = reshape(p, [n, groups, c / groups, (t - 1) * stride + 1 + 2 * edge + output_padding])
        let Wg = reshape(W, [groups, c / groups, og, k])
        let y[b, g, f, i] = sum[q, u < k] pg[b, g, q, i + dilation * u] * Wg[g, q, f, k - 1 - u]
        reshape(y, [n, og * groups, (t - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1])
    }
}

## The transpose of `conv2d_op` with the same numbers: every `x[n, c, i, j]` adds `x * W[c, o, k, l]` at
## `y[n, o, stride*i + dilation*k - padding, stride_w*j + dilation_w*l - padding_w]`. `W: [c, o / groups, kh, kw]`, as in PyTorch.
## Needs `padding <= dilation * (kernel - 1)`.
fn conv_transpose2d_op(
    x: [n, c, h, w], W: [c, og, kh, kw], stride = 1, padding = 0, output_padding = 0, dilation = 1, groups = 1,
    stride_w = stride, padding_w = padding, output_padding_w = output_padding, dilation_w = dilation
) -> [n, og * groups, (h - 1) * stride - 2 * padding + dilation * (kh - 1) + output_padding + 1, (w - 1) * stride_w - 2 * padding_w + dilation_w * (kw - 1) + output_padding_w + 1] {
    let edge = dilation * (kh - 1) - padding
    let edge_w = dilation_w * (kw - 1) - padding_w
    let z = pad(spread2d(x, stride, stride_w), left = edge, right = edge + output_padding, over = 2)
    let p = pad(z, left = edge_w, right = edge_w + output_padding_w, over = 3)
    if groups == 1 {
        let y[b, f, i, j] = sum[q, u < kh, v < kw] p[b, q, i + dilation * u, j + dilation_w * v] * W[q, f, kh - 1 - u, kw - 1 - v]
        y
    } else {
        let pg = reshape(p, [n, groups, c / groups, (h - 1) * stride + 1 + 2 * edge + output_padding, (w - 1) * stride_w + 1 + 2 * edge_w + output_padding_w])
        let Wg = reshape(W, [groups, c / groups, og, kh, kw])
        let y[b, g, f, i, j] = sum[q, u < kh, v < kw] pg[b, g, q, i + dilation * u, j + dilation_w * v] * Wg[g, q, f, kh - 1 - u, kw - 1 - v]
        reshape(y, [n, og * groups, (h - 1) * stride - 2 * padding + dilation * (kh - 1) + output_padding + 1, (w - 1) * stride_w - 2 * padding_w + dilation_w * (kw - 1) + output_padding_w + 1])
    }
}

## Transposed convolution over images (also called deconvolution) with a square kernel and a bias. `W: [c, channels / groups, kernel, kernel]`.
## Source: Zeiler et al., "Deconvolutional networks" (2010); Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016).
layer conv_transpose2d(channels, kernel, stride = 1, padding = 0, output_padding = 0, dilation = 1, groups = 1)(x: [n, c, h, w]) -> [n, channels, (h - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1, (w - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1] {
    param W: [c, channels / groups, kernel, kernel] = he_uniform
    param b: [channels] = zeros
    let y = conv_transpose2d_op(x, W, stride = stride, padding = padding, output_padding = output_padding, dilation = dilation, groups = groups)
    y + reshape(b, [channels, 1, 1])
}
