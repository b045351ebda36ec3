let x = zeros[10]
print x[None, :], x[:, none], x[..., 0]
