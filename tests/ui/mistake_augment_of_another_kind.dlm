let series = zeros[27, 29, 12]
let images = zeros[2, 1, 4, 4]
print random_flip(series)
print random_crop(series, 12)
print series |> cutout(3)
print random_time_flip(images)
