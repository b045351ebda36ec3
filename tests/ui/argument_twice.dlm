print relu([1.0], x = [2.0])
