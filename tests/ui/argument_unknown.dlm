let x = zeros[2, 1, 8, 8]
print x |> max_pool(2, strde = 1)
print softmax(x, 1, 2)
