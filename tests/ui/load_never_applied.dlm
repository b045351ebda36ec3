layer head(x: [n, 4]) -> [n, 2] {
    x |> dense(2)
}
let net = head()
load net from "weights.safetensors"
print "loaded"
