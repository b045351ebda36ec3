let a = zeros[2, 3]
let b = zeros[3, 4]
print matmul(a, b), dot(a, b), torch.matmul(a, b)
