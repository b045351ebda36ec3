print concat(zeros[2, 3], zeros[3, 3], over = 1)
