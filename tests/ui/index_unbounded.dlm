let y[i] = i + 1
