import "ring/activations.dlm"
print twice(1)
