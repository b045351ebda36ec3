let x = zeros[2]
repeat 3 { let x = zeros[3] }
