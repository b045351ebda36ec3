let y[i < 3, i < 3] = 1.0
