fn square(x) = x * x
print square(2.0)
