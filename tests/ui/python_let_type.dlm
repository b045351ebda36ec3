let x: float      = 3.0
let y: int        = 3
let z: tensor     = [1, 2]
let w: float32[3] = [1, 2, 3]
