let set = csv("missing.csv") |> target("y")
print set.x
