fn f(x, mask = none) {
    if mask is None { x } else { x * mask }
}
print f(1.0)
