import "activations.dlm"
fn twice(x) { 2 * squashed(x) }
