let set = csv("nowhere.csv") |> target("y")
print set.x
