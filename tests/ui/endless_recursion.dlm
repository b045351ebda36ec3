fn f(n) { f(n + 1) }
print f(0)
