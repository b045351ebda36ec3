# Pooling over images [n, channels, height, width], sequences of channels [n, channels, time], and the time of sequences [n, time, features].
# A padded maximum never picks the padding: it is filled with -3e38, below any finite f32.

## The largest element of each window: `max[k, l] x[n, c, stride*i + dilation*k - padding, stride*j + dilation*l - padding]`.
fn max_pool2d(x: [n, c, h, w], kernel, stride = kernel, padding = 0, dilation = 1, dilation_w = dilation) -> [n, c, (h + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1, (w + 2 * padding - dilation_w * (kernel - 1) - 1) // stride + 1] {
    let p = pad(pad(x, left = padding, right = padding, over = 2, fill = -3.0e38), left = padding, right = padding, over = 3, fill = -3.0e38)
    let y[b, f, i, j] = max[u < kernel, v < kernel] p[b, f, stride * i + dilation * u, stride * j + dilation_w * v]
    y
}

## The mean of each window, `mean[k, l] x[n, c, stride*i + k - padding, stride*j + l - padding]`; zeros that padding adds count as elements.
fn avg_pool2d(x: [n, c, h, w], kernel, stride = kernel, padding = 0) -> [n, c, (h + 2 * padding - kernel) // stride + 1, (w + 2 * padding - kernel) // stride + 1] {
    let p = pad(pad(x, left = padding, right = padding, over = 2), left = padding, right = padding, over = 3)
    let y[b, f, i, j] = mean[u < kernel, v < kernel] p[b, f, stride * i + u, stride * j + v]
    y
}

## `max_pool2d` by its short name.
fn max_pool(x: [n, c, h, w], kernel, stride = kernel, padding = 0) {
    max_pool2d(x, kernel, stride = stride, padding = padding)
}

## `avg_pool2d` by its short name.
fn avg_pool(x: [n, c, h, w], kernel, stride = kernel, padding = 0) {
    avg_pool2d(x, kernel, stride = stride, padding = padding)
}

## The largest element of each window in time: `max[k] x[n, c, stride*i + dilation*k - padding]`.
fn max_pool1d(x: [n, c, t], kernel, stride = kernel, padding = 0, dilation = 1) -> [n, c, (t + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1] {
    let p = pad(x, left = padding, right = padding, over = 2, fill = -3.0e38)
    let y[b, f, i] = max[u < kernel] p[b, f, stride * i + dilation * u]
    y
}

## The mean of each window in time, `mean[k] x[n, c, stride*i + k - padding]`; zeros that padding adds count as elements.
fn avg_pool1d(x: [n, c, t], kernel, stride = kernel, padding = 0) -> [n, c, (t + 2 * padding - kernel) // stride + 1] {
    let p = pad(x, left = padding, right = padding, over = 2)
    let y[b, f, i] = mean[u < kernel] p[b, f, stride * i + u]
    y
}

## The largest element of each channel of an image.
fn global_max_pool(x: [n, c, h, w]) -> [n, c] {
    let y[b, f] = max[i, j] x[b, f, i, j]
    y
}

## The mean of each channel of an image.
## Source: Lin, Chen and Yan, "Network in network" (2014).
fn global_avg_pool(x: [n, c, h, w]) -> [n, c] {
    let y[b, f] = mean[i, j] x[b, f, i, j]
    y
}

## True at the steps before the end of each sequence: `m[n, i] = i < lengths[n]`.
fn length_mask(lengths: i32[n], steps) -> bool[n, steps] {
    let m[a, i < steps] = i < lengths[a]
    m
}

## The largest value of each feature over time, `max[t] x[n, t, d]`, at the steps where `mask` is true.
fn max_over_time(x: [n, t, d], mask: bool[n, t] = none) -> [n, d] {
    if mask == none {
        let y[a, k] = max[i] x[a, i, k]
        y
    } else {
        let y[a, k] = max[i] where(mask[a, i], x[a, i, k], -3.0e38)
        y
    }
}

## The mean of each feature over time, `mean[t] x[n, t, d]`, at the steps where `mask` is true.
fn mean_over_time(x: [n, t, d], mask: bool[n, t] = none) -> [n, d] {
    if mask == none {
        let y[a, k] = mean[i] x[a, i, k]
        y
    } else {
        let count[a] = sum[i] f32(mask[a, i])
        let total[a, k] = sum[i] where(mask[a, i], x[a, i, k], 0)
        let y[a, k] = total[a, k] / max(count[a], 1)
        y
    }
}

## The features at the last step: of the sequence, or of the true steps of `mask`, which come first.
fn last_over_time(x: [n, t, d], mask: bool[n, t] = none) -> [n, d] {
    if mask == none {
        x[:, t - 1, :]
    } else {
        let count[a] = sum[i] i32(mask[a, i])
        let end[a] = max(count[a] - 1, 0)
        let y[a, k] = x[a, end[a], k]
        y
    }
}
