let set = data(x = [[1, 2], [3, 4], [5, 6]], y = [1, 0, 1])
fn pull(x: [n, d], noise: [n, d]) -> [] { mean(x * noise) }
for b in set |> batches(2) {
    print pull(b.x, normal[2, 2])
}
