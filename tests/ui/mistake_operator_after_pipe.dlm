let x = [1, 2]
let y = x |> relu + 1
fn view(x: [n]) -> [n] { x |> tanh() * 2 }
print x |> relu == 2
