# Metrics: functions of a prediction and a target. The losses `mse` and `mae` serve as metrics too.

## The fraction of rows whose largest score is at the label.
fn accuracy(scores: [..s, classes], label: i32[..s]) -> [] {
    mean(argmax(scores, over = -1) == label)
}

## The fraction of logits on the right side of 0, for targets 0 and 1.
fn binary_accuracy(logits: [..s], target: [..s]) -> [] {
    mean((logits > 0) == (target > 0.5))
}

## The coefficient of determination: `1 - sum (target - pred)^2 / sum (target - mean(target))^2`.
fn r2(pred: [..s], target: [..s]) -> [] {
    1 - sum((target - pred) ^ 2) / sum((target - mean(target)) ^ 2)
}

## `e^loss`: of a cross entropy in nats per token, how many tokens the model wavers between.
fn perplexity(loss: []) -> [] {
    exp(loss)
}
