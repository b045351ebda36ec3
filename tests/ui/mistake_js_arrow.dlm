let sq = x => x * x
print sq(2.0)
