let query = normal[1, 1, 1536]
let key = normal[1, 23, 1536]
print attention(query, key, key)
