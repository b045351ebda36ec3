let m = lstm(8)
print m(zeros[2, 5])
