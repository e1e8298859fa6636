"""Tiny models made in the tests, with NumPy twins of their mathematics."""

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

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
            layers.MaxPooling2D(2, name="pooled", dtype=dtype),
            layers.Flatten(dtype=dtype),
            layers.Dense(HIDDEN, activation="relu", name="dense", dtype=dtype),
            layers.Dense(CLASSES, activation="softmax", name="scores", dtype=dtype),
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


@dataclass
class PixelTwin:
    """A Keras model and its weights, whose input gradients are worked by hand.

    Conv-ReLU (`early`) → conv-ReLU (`features`, 8×8×5) → average-pool → dense ReLU → dense →
    softmax. A vector v [C] stands for the score v·logits: a unit vector is a class, e_a - e_b a
    contrast.
    """

    model: object
    weights: list

    def forward(self, x):
        """Pre-activations of the three ReLUs and the logits."""
        k1, b1, k2, b2, W1, c1, W2, c2 = self.weights
        z1 = reference.convolution(x, k1, b1)
        z2 = reference.convolution(np.maximum(z1, 0), k2, b2)
        z3 = reference.average_pool(np.maximum(z2, 0)).ravel() @ W1 + c1
        return z1, z2, z3, np.maximum(z3, 0) @ W2 + c2

    def logits(self, x):
        return self.forward(x)[-1]

    def backward(self, x, v, rule="gradient"):
        """(dS/dx, dS/dA at `features`) with ReLUs that pass back by the rule."""
        k1, _, k2, _, W1, _, W2, _ = self.weights
        relu = reference.RELU_BACKWARD[rule]
        z1, z2, z3, _ = self.forward(x)
        pooled = W1 @ relu(W2 @ v, z3)
        g = reference.average_pool_backward(pooled.reshape(SIZE // 2, SIZE // 2, MAPS))
        at_early = reference.convolution_backward(relu(g, z2), k2)
        return reference.convolution_backward(relu(at_early, z1), k1), g

    def sample(self, x, v):
        """(A, S, dS/dA) at `features`, as `reference` works them."""
        A = np.maximum(self.forward(x)[1], 0)
        return A, float(v @ self.logits(x)), self.backward(x, v)[1]


def backward_of(twin, v):
    """dS/dx of a PixelTwin as `reference.pixel_map` takes it: (x, rule) -> [H, W, C]."""
    return lambda x, rule: twin.backward(x, v, rule)[0]


def pixel_cnn(seed=0, dtype="float64", early=6):
    """A PixelTwin; see there."""
    import keras

    rng = np.random.default_rng(seed)
    flat = (SIZE // 2) ** 2 * MAPS
    shapes = [(3, 3, CHANNELS, early), (3, 3, early, MAPS), (flat, HIDDEN), (HIDDEN, CLASSES)]
    weights = []
    for shape in shapes:
        fan_in = np.prod(shape[:-1])
        weights += [rng.normal(0, (2 / fan_in) ** 0.5, shape), rng.normal(0, 0.1, shape[-1])]
    layers = keras.layers
    with dtype_policy(dtype):
        model = keras.Sequential(
            [
                keras.Input((SIZE, SIZE, CHANNELS)),
                layers.Conv2D(early, 3, padding="same", activation="relu", name="early"),
                layers.Conv2D(MAPS, 3, padding="same", activation="relu", name="features"),
                layers.AveragePooling2D(2),
                layers.Flatten(),
                layers.Dense(HIDDEN, activation="relu"),
                layers.Dense(CLASSES, activation="softmax"),
            ]
        )
    model.set_weights(weights)
    return PixelTwin(model, [w.astype(dtype).astype(np.float64) for w in weights])


@contextmanager
def dtype_policy(name):
    """Layers made inside compute in that precision."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def unit(*classes):
    """v of a class, or of a contrast of two."""
    v = np.zeros(CLASSES)
    for c, sign in zip(classes, (1, -1), strict=False):
        v[c] += sign
    return v


def by_hand():
    """A model small enough for paper and pencil, its one input and its baseline's facts.

    S = v · relu(u - 1), u = x · (2, -3, 1) for each of 2×2 pixels, v = (1, 1, -1, -1); class 1
    scores nothing. The four pixels have u = 2, 0, 4, -2, so A (`features`) is 1, 0, 3, 0.
    """
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((2, 2, 3)),
            layers.Conv2D(1, 1, activation="relu", name="features"),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    kernel = np.array([2, -3, 1]).reshape(1, 1, 3, 1)
    dense = np.array([[1, 0], [1, 0], [-1, 0], [-1, 0]])
    model.set_weights([kernel, np.array([-1]), dense, np.zeros(2)])
    x = np.array([[[3, 1, -1], [1, 1, 1]], [[1, -1, -1], [0, 0, -2]]], np.float32)
    return model, x[None]


def skip_weights(seed=9):
    """Weights of `skip_network`; of this seed every class has positive paths, as deconvnet asks."""
    rng = np.random.default_rng(seed)
    shapes = [(3, 3, CHANNELS, 4), (3, 3, 4, 4), (16, 6), (6, CLASSES)]
    pairs = [(rng.normal(0, 0.5, s), rng.normal(0, 0.1, s[-1])) for s in shapes]
    return [w for pair in pairs for w in pair]


def skip_network(x, weights, relu):
    """Plain TensorFlow: logits [N, C] of a network with a skip connection and four ReLUs."""
    import tensorflow as tf

    k1, b1, k2, b2, W1, c1, W2, c2 = weights
    a1 = relu(tf.nn.conv2d(x, k1, 1, "SAME") + b1)
    a2 = relu(tf.nn.conv2d(a1, k2, 1, "SAME") + b2)
    a3 = tf.nn.avg_pool2d(relu(a1 - a2), 4, 4, "VALID")
    return relu(tf.reshape(a3, [len(x), -1]) @ W1 + c1) @ W2 + c2


def relu_by_rule(rule, upper=np.inf):
    """A ReLU (up to `upper`) for eager autodiff that passes back by `reference.RELU_BACKWARD`."""
    import tensorflow as tf

    @tf.custom_gradient
    def relu(z):
        def back(g):
            linear = tf.cast((z > 0) & (z < upper), g.dtype)
            passed = g if rule == "gradient" else tf.maximum(g, 0)
            return passed if rule == "deconvnet" else passed * linear

        return tf.clip_by_value(z, 0, upper), back

    return relu


def eager_backward(network, x, v):
    """dS/dx [H, W, C] of S = v·logits by eager autodiff in float64; network: [1, H, W, C] -> S."""
    import tensorflow as tf

    x = tf.constant(x[None], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        S = tf.reduce_sum(network(x) * v)
    return tape.gradient(S, x)[0].numpy()


SKIP_STYLES = ("activation", "shared_layer", "keras_ops", "nested", "subclassed", "tf_function")


def skip_model(style, weights, relu="relu", dtype="float64"):
    """`skip_network` as a Keras model, with its ReLUs (`relu` or `relu6`) written in one style."""
    import keras
    import tensorflow as tf

    with dtype_policy(dtype):
        activate = {
            "activation": partial(_activation, relu),
            "shared_layer": keras.layers.ReLU(6 if relu == "relu6" else None, name="shared"),
            "keras_ops": getattr(keras.ops, relu),
            "nested": partial(_activation, relu),
        }.get(style, getattr(tf.nn, relu))
        parts = _skip_layers()
        image = keras.Input((SIZE, SIZE, CHANNELS), dtype="float64")
        if style in {"subclassed", "tf_function"}:
            model = _subclassed(parts, activate, decorated=style == "tf_function")
            model(np.zeros((1, SIZE, SIZE, CHANNELS)))
        elif style == "nested":
            inner = keras.Model(image, _skip_features(image, parts, activate), name="inner")
            model = keras.Model(image, _skip_head(inner(image), parts, activate))
        else:
            features = _skip_features(image, parts, activate)
            model = keras.Model(image, _skip_head(features, parts, activate))
    for layer, at in zip((parts[0], parts[1], parts[4], parts[5]), range(0, 8, 2), strict=True):
        layer.set_weights(weights[at : at + 2])
    return model


def _activation(name, z):
    import keras

    return keras.layers.Activation(name)(z)


def _skip_layers():
    import keras

    layers = keras.layers
    return [
        layers.Conv2D(4, 3, padding="same", name="conv1"),
        layers.Conv2D(4, 3, padding="same", name="conv2"),
        layers.AveragePooling2D(4),
        layers.Flatten(),
        layers.Dense(6),
        layers.Dense(CLASSES, activation="softmax"),
    ]


def _skip_features(x, parts, relu):
    a1 = relu(parts[0](x))
    return relu(a1 - relu(parts[1](a1)))


def _skip_head(A, parts, relu):
    _, _, pool, flatten, hidden, scores = parts
    return scores(relu(hidden(flatten(pool(A)))))


def _subclassed(parts, relu, decorated):
    import keras
    import tensorflow as tf

    class SkipNet(keras.Model):
        def __init__(self):
            super().__init__()
            self.parts = parts

        def call(self, x, training=None):
            return _skip_head(_skip_features(x, self.parts, relu), self.parts, relu)

    if decorated:
        SkipNet.call = tf.function(SkipNet.call)
    return SkipNet()
