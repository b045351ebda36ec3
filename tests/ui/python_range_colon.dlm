let total = 0
for epoch in range(10):
    total = total + epoch
print total
