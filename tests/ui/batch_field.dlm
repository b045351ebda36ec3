let set = csv("points.csv") |> target("y")
for b in set |> batches(2) { print b.labels }
