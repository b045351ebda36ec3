let a = dense(3)
print a(zeros[1, 4])
save a to "three.safetensors"
let net = dense(5)
print net(zeros[1, 4])
load net from "three.safetensors"
