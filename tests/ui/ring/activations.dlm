import "helpers.dlm"
fn squashed(x) { tanh(scaled(x)) }
