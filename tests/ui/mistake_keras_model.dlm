import keras
from keras import layers
model = keras.Sequential([
    layers.Dense(64, activation="relu"),
    layers.Dense(10),
])
model.compile(loss="mse", optimizer="adam")
