let config = {"lr": 0.1, "epochs": 5}
print config
