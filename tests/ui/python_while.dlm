let x = 10.0
while x > 1.0 {
    x = x / 2
}
print x
