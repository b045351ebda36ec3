let total = 0.0
for i in 0..10 {
    total += 1.0
}
print total
