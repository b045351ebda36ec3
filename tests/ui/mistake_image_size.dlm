let set = csv("points.csv") |> target("y") |> reshape(1, 28, 28)
print set.x
