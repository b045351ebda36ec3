state s = 0.0
param w: [3] = zeros
