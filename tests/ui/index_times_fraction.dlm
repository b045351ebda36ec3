let wave[i < 4, t < 8] = sin(0.3 * t + i)
let part[t < 4] = t / 4
