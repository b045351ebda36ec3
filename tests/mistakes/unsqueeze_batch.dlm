let img = normal[1, 8, 8]
let x = img.unsqueeze(0).expand(-1, 3, -1, -1)
print x
