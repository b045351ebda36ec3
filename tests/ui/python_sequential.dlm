let model = Sequential([Dense(64), ReLU(), Dense(10)])
print model(zeros[2, 8])
