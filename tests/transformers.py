"""Small networks of tokens, trained in the test on scikit-learn's digits."""

from functools import cache

import numpy as np

SIDE, PATCH, WIDTH = 8, 2, 24
"""Digits are 8×8; patches of 2×2 lie 4×4."""


def block(x, name, heads=2):
    """A transformer's block: [N, T, D] → [N, T, D]."""
    from keras import layers

    inner = layers.LayerNormalization(name=f"{name}_ln1")(x)
    x = x + layers.MultiHeadAttention(heads, WIDTH // heads, name=f"{name}_attention")(inner, inner)
    inner = layers.LayerNormalization(name=f"{name}_ln2")(x)
    inner = layers.Dense(2 * WIDTH, activation="gelu", name=f"{name}_up")(inner)
    return x + layers.Dense(WIDTH, name=f"{name}_down")(inner)


def vit(class_token=True, blocks=2, seed=0, channels=1, classes=10):
    """A vision transformer for 8×8 images with 4×4 patches; reads its class token, or the mean."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    image = keras.Input((SIDE, SIDE, channels))
    x = layers.Conv2D(WIDTH, PATCH, PATCH, name="patches")(image)
    x = Positions(class_token, name="positions")(layers.Reshape((-1, WIDTH), name="row")(x))
    for i in range(blocks):
        x = block(x, f"block{i}")
    x = layers.LayerNormalization(name="last_ln")(x)
    x = x[:, 0] if class_token else layers.GlobalAveragePooling1D(name="mean")(x)
    return keras.Model(image, layers.Dense(classes, activation="softmax", name="scores")(x))


def Positions(class_token, name):
    """A layer that puts the class token in front, and adds positions."""
    import keras

    class Positions(keras.layers.Layer):
        def build(self, shape):
            count = shape[1] + class_token
            self.places = self.add_weight(shape=(1, count, WIDTH), initializer="random_normal")
            self.token = self.add_weight(shape=(1, 1, WIDTH), initializer="random_normal")

        def call(self, x):
            if class_token:
                token = keras.ops.tile(self.token, (keras.ops.shape(x)[0], 1, 1))
                x = keras.ops.concatenate([token, x], 1)
            return x + self.places

    return Positions(name=name)


@cache
def digits():
    """(images float32 [1797, 8, 8, 1] from 0 to 1, classes int [1797])."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return (data.images[..., None] / 16).astype(np.float32), data.target


@cache
def trained_vit():
    """A vision transformer with a class token, and 200 digits that it was not taught.

    Returns:
        (model, images float32 [200, 8, 8, 1], classes int [200])
    """
    import keras

    x, y = digits()
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    model = vit()
    model.compile(keras.optimizers.Adam(6e-3), "sparse_categorical_crossentropy")
    model.fit(x[200:], y[200:], batch_size=50, epochs=5, verbose=0, shuffle=False)
    return model, x[:200], y[:200]
