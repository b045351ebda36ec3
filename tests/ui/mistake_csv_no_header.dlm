let set = csv("no_header.csv") |> target("y")
print set.x
