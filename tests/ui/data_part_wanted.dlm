let set = csv("points.csv") |> target("y") |> split(train = 0.5)
print set.x
for b in set |> batches(2) { print b.x }
