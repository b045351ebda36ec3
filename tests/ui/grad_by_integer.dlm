let i: i32[2] = [1, 2]
print grad(sum(f32(i)), i)
