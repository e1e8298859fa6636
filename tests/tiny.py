"""Tiny models made in the tests, with NumPy twins of their mathematics."""

from dataclasses import dataclass

import numpy as np
import reference

SIZE, CHANNELS, MAPS, HIDDEN, CLASSES = 8, 3, 5, 12, 4


@dataclass
class Twin:
    """A Keras model and its weights, as `reference` works them: layer `features` is tapped."""

    model: object
    kernel: np.ndarray
    bias: np.ndarray
    head: tuple

    def sample(self, x, c):
        """(A, S_c, dS_c/dA) of one input, in float64."""
        A = reference.convolution_relu(x, self.kernel, self.bias)
        S = reference.head(A, *self.head)[c]
        return A, float(S), reference.head_gradient(A, *self.head, c)

    def logits(self, x):
        return reference.head(reference.convolution_relu(x, self.kernel, self.bias), *self.head)


def relu_cnn(seed=0, dtype="float32", scale=1.0):
    """Conv-ReLU (`features`, 8×8×5) → max-pool → dense ReLU → dense → softmax over 4 classes."""
    import keras

    rng = np.random.default_rng(seed)
    kernel = rng.normal(0, 0.3, (3, 3, CHANNELS, MAPS))
    bias = rng.normal(0, 0.1, MAPS)
    flat = (SIZE // 2) ** 2 * MAPS
    W1, b1 = rng.normal(0, flat**-0.5, (flat, HIDDEN)), rng.normal(0, 0.1, HIDDEN)
    W2, b2 = scale * rng.normal(0, 0.7, (HIDDEN, CLASSES)), scale * rng.normal(0, 0.1, CLASSES)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, CHANNELS)),
            layers.Conv2D(MAPS, 3, padding="same", activation="relu", name="features", dtype=dtype),
            layers.MaxPooling2D(2, dtype=dtype),
            layers.Flatten(dtype=dtype),
            layers.Dense(HIDDEN, activation="relu", dtype=dtype),
            layers.Dense(CLASSES, activation="softmax", dtype=dtype),
        ]
    )
    given = [kernel, bias, W1, b1, W2, b2]
    model.set_weights(given)
    if dtype == "float32":
        given = [w.astype(np.float32).astype(np.float64) for w in given]
    return Twin(model, given[0], given[1], tuple(given[2:]))


def affine_cnn(seed=0):
    """Conv-ReLU `early`, conv-ReLU `features`, global average pooling, dense: an affine head."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, CHANNELS)),
            layers.Conv2D(6, 3, padding="same", activation="relu", name="early"),
            layers.Conv2D(MAPS, 3, padding="same", activation="relu", name="features"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def images(count, seed=1):
    """float32 [count, 8, 8, 3], in about [-1, 1]."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, SIZE, SIZE, CHANNELS)).astype(np.float32)
