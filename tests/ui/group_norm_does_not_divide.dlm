print zeros[2, 12, 4, 4] |> group_norm(8)
print zeros[2, 1, 4, 4] |> group_norm(8)
