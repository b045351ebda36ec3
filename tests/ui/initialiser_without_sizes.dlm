print mean(normal(4, 5))
