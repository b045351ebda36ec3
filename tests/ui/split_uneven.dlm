let (a, b) = split(zeros[5], 2)
