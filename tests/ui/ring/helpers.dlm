import "blocks.dlm"
fn scaled(x) { 0.5 * x }
