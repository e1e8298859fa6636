"""The network of scripts/oracles/network.py in Keras, and what other libraries found of it."""

import json
from pathlib import Path

import numpy as np

from scripts.oracles import network

FOUND = Path(__file__).parent / "explain" / "oracles"
IMAGES = network.images().astype(np.float32)
CLASSES = network.classes()


def keras_model():
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((network.SIDE, network.SIDE, network.CHANNELS)),
            layers.Conv2D(4, 3, padding="same", activation="relu", name="features"),
            layers.MaxPooling2D(2),
            layers.Conv2D(5, 3, padding="same", activation="relu", name="deep"),
            layers.Flatten(),
            layers.Dense(network.CLASSES, activation="softmax"),
        ]
    )
    model.set_weights(network.weights())
    return model


def found(library, name):
    """What a library found, float64 with the images in front."""
    values = json.loads((FOUND / f"{library}.json").read_text("utf-8"))[name]
    return np.array(values, np.float64)
