import torch
import torch.nn as nn
let x = [1.0, 2.0]
print relu(x)
