fn columns(x: [k, k]) -> [k] { sum(x, over = k) }
print columns([[1, 2], [3, 4]])
fn running(x: [k, k]) -> [k, k] { scan row in x over k, s = zeros[k] { s + row } }
print running([[1, 2], [3, 4]])
