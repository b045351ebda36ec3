let x = 1.0
print y + x
print x1
