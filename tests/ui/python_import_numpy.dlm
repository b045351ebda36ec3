import numpy as np
let x = np.zeros((3, 4))
print x
