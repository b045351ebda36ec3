# Schedules: learning rates that change while training runs. Each names its unit, `epochs` or `steps`, and one of the two is
# required. `step` is the number of steps done before this one, `steps_per_epoch` their number in an epoch. `constant(0.1)` is
# in initialisers.dlm. A warm-up is counted in the unit that the schedule names.

## Steps in the stated time.
fn duration(epochs, steps) {
    assert epochs != 0 or steps != 0, "a schedule does not know over what time it goes; name the unit: `epochs = 5` or `steps = 1000`"
    if epochs == 0 { steps } else { epochs * steps_per_epoch + steps }
}

## How much of a rate a linear warm-up lets through: `(step + 1) / warmup` during the warm-up, then 1.
## Source: Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour" (2017).
fn warm(warmup) -> [] {
    if warmup == 0 { 1.0 } else { min(f32(step + 1) / warmup, 1) }
}

## `lr`, multiplied by `factor` after every `epochs` (or `steps`).
fn step_decay(lr, factor = 0.1, epochs = 0, steps = 0) -> [] {
    lr * factor ^ floor(f32(step) / duration(epochs, steps))
}

## `lr * factor^(p)`, where p is the time in units of `epochs` (or `steps`): smooth where `step_decay` jumps.
fn exponential(lr, factor = 0.1, epochs = 0, steps = 0) -> [] {
    lr * factor ^ (f32(step) / duration(epochs, steps))
}

## From `lr` to `final` along half a cosine over `epochs` (or `steps`), after a linear warm-up:
## `final + (lr - final) * (1 + cos(π p)) / 2` with p from 0 to 1.
## Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), equation 5.
fn cosine(lr, epochs = 0, steps = 0, warmup = 0, final = 0.0) -> [] {
    let w = if steps == 0 and warmup != 0 { warmup * steps_per_epoch } else { warmup }
    let p = min(max((f32(step) - w) / (duration(epochs, steps) - w), 0), 1)
    warm(w) * (final + (lr - final) * 0.5 * (1 + cos(3.141592653589793 * p)))
}
