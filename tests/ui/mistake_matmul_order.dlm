let x = zeros[32, 784]
let W = zeros[128, 784]
let b = zeros[128]
print W @ x + b
