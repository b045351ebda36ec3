let set = csv("semicolons.csv", sep = ";", header = true) |> target("y")
print set.x
