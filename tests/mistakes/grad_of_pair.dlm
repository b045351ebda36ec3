let w = [1.0, 2]
fn both(w: [n]) -> ([], [n]) { (sum(w ^ 2), w - 1) }
print grad(both(w), w)
