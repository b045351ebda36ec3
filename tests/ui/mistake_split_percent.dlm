let set = csv("points.csv") |> target("y") |> split(train = 80, seed = 1)
print set.train.x
