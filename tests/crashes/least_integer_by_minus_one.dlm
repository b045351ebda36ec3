let n = 9223372036854775807
print (-n - 1) % (-1)
print (-n - 1) // (-1)
let x = zeros[(-n - 1) / (-1)]
