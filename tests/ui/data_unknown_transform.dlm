let set = csv("points.csv") |> standardise
print set.x
