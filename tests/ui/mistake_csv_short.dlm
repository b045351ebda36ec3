let set = csv("short_row.csv") |> target("y")
print set.x
