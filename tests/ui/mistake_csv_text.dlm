let set = csv("text_in_number.csv") |> target("y")
print set.x
