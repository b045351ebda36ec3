let x = 3
del x
