let set = csv("ratings.csv") |> target("rating") |> split(validation = 1.0)
print set.train.x
