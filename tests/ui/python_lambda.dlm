let sq = lambda x: x * x
print sq(3.0)
