fn f(*args) { args }
print f(1, 2)
