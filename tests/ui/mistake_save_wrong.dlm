let net = dense(3)
save net "w.safetensors"
