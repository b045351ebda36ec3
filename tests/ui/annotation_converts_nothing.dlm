let x = normal[4]
let y: i32[4] = where(x > 0, 1, 0)
