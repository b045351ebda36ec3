let set = csv("points.csv") |> target("y") |> split(train = 0.8, test = 0.3)
print set.train.x
