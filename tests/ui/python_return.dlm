fn square(x) {
    return x * x
}
print square(2.0)
