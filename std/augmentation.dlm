# Augmentation: other examples that mean the same, made while a model learns. Every example of a batch draws for itself, anew in each step.
# `augment = fn (x) { x |> random_flip |> random_shift(2) }` of `train` uses them in training only. They draw wherever they are called: in
# the body of a layer write `x |> in_training(random_flip)`. Images are [n, channels, height, width], series [n, time, features], and what moves,
# cuts or turns them has a name for each; grey images without channels, [n, height, width], are reshaped to [n, 1, height, width] first. What comes
# from outside of an example is `fill`. Beside those that move, cut or mix there are functions that take what is drawn, so that two tensors,
# such as an image and the mask that belongs to it, can be changed alike.

## `f(x)` in training, x itself elsewhere.
fn in_training(x: [..s], f: fn) {
    if training { f(x) } else { x }
}

## A whole number for each of n examples, uniform in `low..=high`.
fn random_whole(n, low, high) -> i32[n] {
    assert low % 1 == 0 and high % 1 == 0 and low <= high, "the number of pixels or steps must be a whole number, at least 0"
    low + min(i32(floor(uniform[n] * (high - low + 1))), high - low)
}

## Images with `by` more pixels of `fill` on each side.
fn framed(x: [n, c, h, w], by, fill = 0) -> [n, c, h + 2 * by, w + 2 * by] {
    pad(pad(x, left = by, right = by, over = 2, fill = fill), left = by, right = by, over = 3, fill = fill)
}

## The window of each image whose first pixel is (top, left): `y[n, c, i, j] = x[n, c, top[n] + i, left[n] + j]`.
fn cropped(x: [n, c, h, w], top: i32[n], left: i32[n], height, width = height) -> [n, c, height, width] {
    let row[a, i < height] = top[a] + i
    let column[a, j < width] = left[a] + j
    let y[a, k, i, j] = x[a, k, row[a, i], column[a, j]]
    y
}

## A window of `height` times `width` pixels, a square where only `height` is given, anywhere in each image framed by `padding` pixels; of the
## image's own size where nothing is given. `random_crop(padding = 4)` is the usual one for small pictures; a model trained on smaller windows
## is applied to `centre_crop`. Of series it is `random_time_crop`.
## Source: He et al., "Deep residual learning for image recognition" (2016), section 4.2.
fn random_crop(x: [n, c, h, w], height = none, width = height, padding = 0, fill = 0) {
    let rows = if height == none { h } else { height }
    let columns = if width == none { w } else { width }
    assert padding % 1 == 0 and padding >= 0, "the number of pixels must be a whole number, at least 0"
    assert rows >= 1 and columns >= 1 and rows <= h + 2 * padding and columns <= w + 2 * padding, "a window of {rows} times {columns} does not fit into {h} times {w} pixels with a padding of {padding}"
    let top = random_whole(n, 0, h + 2 * padding - rows)
    let left = random_whole(n, 0, w + 2 * padding - columns)
    x |> framed(padding, fill) |> cropped(top, left, rows, columns)
}

## The window in the middle of each image.
fn centre_crop(x: [n, c, h, w], height, width = height) -> [n, c, height, width] {
    assert height <= h and width <= w, "a window of {height} times {width} does not fit into {h} times {w} pixels"
    let top = (h - height) // 2
    let left = (w - width) // 2
    x[:, :, top:top + height, left:left + width]
}

## Images moved by up to `pixels` in each direction, each by a shift of its own: `random_crop(padding = pixels)`.
fn random_shift(x: [n, c, h, w], pixels, fill = 0) -> [n, c, h, w] {
    x |> random_crop(padding = pixels, fill = fill)
}

## The images for which `flip` is true mirrored left to right, or with `vertical` upside down.
fn flipped(x: [n, c, h, w], flip: bool[n], vertical = false) -> [n, c, h, w] {
    if vertical {
        let y[a, k, i, j] = where(flip[a], x[a, k, h - 1 - i, j], x[a, k, i, j])
        y
    } else {
        let y[a, k, i, j] = where(flip[a], x[a, k, i, w - 1 - j], x[a, k, i, j])
        y
    }
}

## Images mirrored left to right, or with `vertical` upside down, each with probability `p`. Of series it is `random_time_flip`.
fn random_flip(x: [n, c, h, w], p = 0.5, vertical = false) -> [n, c, h, w] {
    assert p >= 0 and p <= 1, "a probability must lie between 0 and 1"
    x |> flipped(uniform[n] < p, vertical)
}

## Images read between their pixels: `y[n, c, i, j]` is the bilinear mean of the four pixels around `(row[n, i, j], column[n, i, j])`,
## `y = (1 - u) (1 - v) x[r, s] + (1 - u) v x[r, s + 1] + u (1 - v) x[r + 1, s] + u v x[r + 1, s + 1]` with `r = floor(row)`, `u = row - r`,
## `s = floor(column)`, `v = column - s`. It has gradients by x, row and column.
## Source: Jaderberg et al., "Spatial transformer networks" (2015), equation 5.
fn resampled(x: [n, c, h, w], row: [n, height, width], column: [n, height, width], fill = 0) -> [n, c, height, width] {
    let frame = framed(x, 1, fill)
    let down = min(max(row + 1, 0), h + 1)
    let right = min(max(column + 1, 0), w + 1)
    let top = min(floor(down), h)
    let left = min(floor(right), w)
    let u = down - top
    let v = right - left
    let r = i32(top)
    let s = i32(left)
    let upper[a, k, i, j] = (1 - v[a, i, j]) * frame[a, k, r[a, i, j], s[a, i, j]] + v[a, i, j] * frame[a, k, r[a, i, j], s[a, i, j] + 1]
    let lower[a, k, i, j] = (1 - v[a, i, j]) * frame[a, k, r[a, i, j] + 1, s[a, i, j]] + v[a, i, j] * frame[a, k, r[a, i, j] + 1, s[a, i, j] + 1]
    let y[a, k, i, j] = (1 - u[a, i, j]) * upper[a, k, i, j] + u[a, i, j] * lower[a, k, i, j]
    y
}

## Each image turned about its centre by its own angle, counter-clockwise, in radians; between pixels it is `resampled`.
## The pixel at distance (y, z) from the centre is read at `(cos(a) y + sin(a) z, cos(a) z - sin(a) y)`.
fn rotated(x: [n, c, h, w], angle: [n], fill = 0) -> [n, c, h, w] {
    let y[i < h] = f32(i) - (h - 1) / 2
    let z[j < w] = f32(j) - (w - 1) / 2
    let row[a, i, j] = (h - 1) / 2 + cos(angle[a]) * y[i] + sin(angle[a]) * z[j]
    let column[a, i, j] = (w - 1) / 2 + cos(angle[a]) * z[j] - sin(angle[a]) * y[i]
    x |> resampled(row, column, fill)
}

## Images turned about their centres, each by an angle of its own, uniform in `±degrees`.
fn random_rotation(x: [n, c, h, w], degrees, fill = 0) -> [n, c, h, w] {
    let most = degrees * 3.141592653589793 / 180
    x |> rotated(uniform(-most, most)[n], fill)
}

## Normal noise added to every element: `x + deviation * e` with e of deviation 1. For images and series.
## Source: Bishop, "Training with noise is equivalent to Tikhonov regularization" (1995).
fn random_noise(x: [..s], deviation) -> [..s] {
    x + deviation * normal[..s]
}

## Each image with `fill` in a square of `size` pixels whose first pixel is (top, left), as far as it lies in the image.
fn cut_out(x: [n, c, h, w], top: i32[n], left: i32[n], size, fill = 0) -> [n, c, h, w] {
    let rows[a, i < h] = i >= top[a] and i < top[a] + size
    let columns[a, j < w] = j >= left[a] and j < left[a] + size
    let y[a, k, i, j] = where(rows[a, i] and columns[a, j], fill, x[a, k, i, j])
    y
}

## A square of `size` pixels of each image replaced by `fill`. Its centre is anywhere in the image, so a part may lie outside.
## Source: DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout" (2017).
fn cutout(x: [n, c, h, w], size, fill = 0) -> [n, c, h, w] {
    assert size % 1 == 0 and size >= 1, "the size of the square must be a whole number of pixels, at least 1"
    let half = size // 2
    x |> cut_out(random_whole(n, -half, h - 1 - half), random_whole(n, -half, w - 1 - half), size, fill)
}

## Numbers in [0, 1] of the distribution Beta(alpha, alpha): near 0 and 1 for a small `alpha`, uniform for 1, near 1/2 for a large one.
## `1/2 + t / (2 sqrt(2 alpha + t^2))`, where t has Student's distribution with `2 alpha` degrees of freedom:
## `t^2 = 2 alpha (1 / w - 1) cos(2 π v)^2` with `w = u^(1 / alpha)`, and u, v uniform.
## Source: Bailey, "Polar generation of random variates with the t-distribution" (1994).
fn symmetric_beta(alpha) -> [..s] {
    assert alpha > 0, "alpha must be above 0"
    let w = uniform[..s] ^ (1 / alpha)
    let c = cos(6.283185307179586 * uniform[..s])
    min(max(0.5 + 0.5 * c * sqrt((1 - w) / max(w + (1 - w) * c * c, 1e-30)), 0), 1)
}

## Each row of x mixed with another: `share[i] * x[i] + (1 - share[i]) * x[partner[i]]`.
fn mixed(x: [n, ..s], partner: i32[n], share: [n]) -> [n, ..s] {
    let flat = reshape(x, [n, -1])
    let y[a, i] = share[a] * flat[a, i] + (1 - share[a]) * flat[partner[a], i]
    reshape(y, [n, ..s])
}

## Examples mixed in pairs, with their targets: `λ x + (1 - λ) x'` and `λ y + (1 - λ) y'`, λ from Beta(alpha, alpha) for each example. Every
## example is the partner of one other of the batch. y holds distributions, as `one_hot("y")` makes them; the loss is `soft_cross_entropy`.
## `augment = fn (x, y) { mixup(x, y, alpha = 0.2) }`. Source: Zhang et al., "mixup: beyond empirical risk minimization" (2018).
fn mixup(x: [n, ..s], y: [n, classes], alpha = 0.2) -> ([n, ..s], [n, classes]) {
    let share = symmetric_beta(alpha)[n]
    let step = random_whole(1, min(1, n - 1), n - 1)
    let partner[a < n] = (a + step[0]) % n
    (mixed(x, partner, share), mixed(y, partner, share))
}

## Each series moved by its own number of steps, to later times where it is positive: `y[n, i, :] = x[n, i - by[n], :]`.
fn time_shifted(x: [n, t, d], by: i32[n], fill = 0) -> [n, t, d] {
    let from[a, i < t] = min(max(i - by[a], 0), t - 1)
    let y[a, i, k] = where(i >= by[a] and i < by[a] + t, x[a, from[a, i], k], fill)
    y
}

## Series moved in time, each by its own number of steps, uniform in `-steps..=steps`. For series that have no `lengths`.
fn random_time_shift(x: [n, t, d], steps, fill = 0) -> [n, t, d] {
    x |> time_shifted(random_whole(n, -steps, steps), fill)
}

## The window of each series whose first step is `start`: `y[n, i, :] = x[n, start[n] + i, :]`.
fn time_cropped(x: [n, t, d], start: i32[n], steps) -> [n, steps, d] {
    let from[a, i < steps] = start[a] + i
    let y[a, i, k] = x[a, from[a, i], k]
    y
}

## A window of `steps` steps, anywhere in each series with `padding` steps of `fill` before and behind it; as long as the series where none is
## given. `random_time_crop(padding = 4)` is to series what `random_crop(padding = 4)` is to images. For series that have no `lengths`.
fn random_time_crop(x: [n, t, d], steps = t, padding = 0, fill = 0) -> [n, steps, d] {
    assert padding % 1 == 0 and padding >= 0, "the number of steps must be a whole number, at least 0"
    assert steps >= 1 and steps <= t + 2 * padding, "a window of {steps} steps does not fit into a series of {t} with a padding of {padding}"
    let start = random_whole(n, 0, t + 2 * padding - steps)
    x |> pad(left = padding, right = padding, over = 1, fill = fill) |> time_cropped(start, steps)
}

## The series for which `flip` is true with their steps in the opposite order: `y[n, i, :] = x[n, t - 1 - i, :]`.
fn time_flipped(x: [n, t, d], flip: bool[n]) -> [n, t, d] {
    let y[a, i, k] = where(flip[a], x[a, t - 1 - i, k], x[a, i, k])
    y
}

## Series with their steps in the opposite order, each with probability `p`. For series that mean the same read backwards, and that have no `lengths`.
fn random_time_flip(x: [n, t, d], p = 0.5) -> [n, t, d] {
    assert p >= 0 and p <= 1, "a probability must lie between 0 and 1"
    x |> time_flipped(uniform[n] < p)
}

## Each feature of each series times a factor of its own: `x[n, t, k] * (1 + deviation * e[n, k])`, e normal with deviation 1.
## Source: Um et al., "Data augmentation of wearable sensor data for Parkinson's disease monitoring using convolutional neural networks" (2017).
fn random_scale(x: [n, t, d], deviation) -> [n, t, d] {
    let factor = 1 + deviation * normal[n, d]
    let y[a, i, k] = factor[a, k] * x[a, i, k]
    y
}

## Each series with `fill` at the steps `start[n] <= i < start[n] + steps[n]`.
fn time_masked(x: [n, t, d], start: i32[n], steps: i32[n], fill = 0) -> [n, t, d] {
    let y[a, i, k] = where(i >= start[a] and i < start[a] + steps[a], fill, x[a, i, k])
    y
}

## A run of each series replaced by `fill`: its length is uniform in `0..=steps`, its place anywhere.
## Source: Park et al., "SpecAugment: a simple data augmentation method for automatic speech recognition" (2019), section 2.
fn time_mask(x: [n, t, d], steps, fill = 0) -> [n, t, d] {
    assert steps >= 0 and steps <= t, "a mask of {steps} steps is longer than a series of {t}"
    let length = random_whole(n, 0, steps)
    let start = min(i32(floor(uniform[n] * f32(t + 1 - length))), t - length)
    x |> time_masked(start, length, fill)
}
