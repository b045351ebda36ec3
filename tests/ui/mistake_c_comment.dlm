// the model
let x = 3 // three
print x
