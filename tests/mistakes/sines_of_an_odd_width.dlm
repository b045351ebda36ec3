fn positions(length, width) -> [length, width] {
    let half = (width + 1) // 2
    let angle[t < length, k < half] = f32(t) / 10000 ^ (2 * f32(k) / width)
    reshape(stack(sin(angle), cos(angle), over = 2), [length, width])
}
print positions(4, 29)
