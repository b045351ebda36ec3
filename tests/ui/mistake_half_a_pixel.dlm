let x = zeros[2, 1, 4, 4]
print random_shift(x, 1.5)
print random_crop(x, height = 9)
print cutout(x, 0)
print time_mask(zeros[2, 4, 3], 5)
