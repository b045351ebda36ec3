let set = csv("points.csv") |> target("spcies")
print set.x
