let x = zeros[3, 4]
let y = x.reshape(4, 3)
print y.sum(), x.view(-1), x.T
