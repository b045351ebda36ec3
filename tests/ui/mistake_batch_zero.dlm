let set = csv("points.csv") |> target("y")
for b in set |> batches(0) { print b.x }
