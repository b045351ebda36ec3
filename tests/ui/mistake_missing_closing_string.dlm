let set = csv("points.csv) |> target("y")
print set.x
