let g = gru(8)
print g(normal[4, 5, 3], zeros[64, 8])
