print mse(zeros[3, 1], zeros[3])
