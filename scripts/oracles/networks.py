"""Small networks with fixed weights that other libraries and the package's own code explain alike.

Weights are fractions with a power of two below, the same in float32 and float64; arrays are laid
out as TensorFlow has them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIDE, CHANNELS, MAPS, HIDDEN, CLASSES = 8, 3, 5, 6, 4
ACTIVATIONS = ("relu", "leaky_relu", "elu", "sigmoid", "tanh", "softplus")
"""Of a network's layers; each has one network. `leaky_relu` has slope 1/4."""
LEAK = 0.25


class Weights(NamedTuple):
    """conv 3×3 'same' → max-pool 2×2 → conv 3×3 'valid' → f → flatten → dense → f → dense.

    Attributes:
        k1: [3, 3, 3, 5].
        b1: [5].
        k2: [3, 3, 5, 5].
        b2: [5].
        w1: [20, 6], from rows, columns, feature maps in that order.
        c1: [6].
        w2: [6, 4].
        c2: [4].
    """

    k1: Floats
    b1: Floats
    k2: Floats
    b2: Floats
    w1: Floats
    c1: Floats
    w2: Floats
    c2: Floats


def weights() -> Weights:
    """The weights, within −1…1."""
    shapes = [(3, 3, CHANNELS, MAPS), (MAPS,), (3, 3, MAPS, MAPS), (MAPS,)]
    shapes += [(4 * MAPS, HIDDEN), (HIDDEN,), (HIDDEN, CLASSES), (CLASSES,)]
    return Weights(*(_fractions(shape, seed) for seed, shape in enumerate(shapes)))


def images() -> Floats:
    """[3, 8, 8, 3], −1…1: the model's own input."""
    return _fractions((3, SIDE, SIDE, CHANNELS), 20)


def baseline() -> Floats:
    """[8, 8, 3], −1…1: an image to hold the others against."""
    return _fractions((SIDE, SIDE, CHANNELS), 30) / 2


def classes() -> list[int]:
    """The class explained of each image."""
    return [0, 2, 3]


def _fractions(shape: tuple[int, ...], seed: int) -> Floats:
    k = np.arange(np.prod(shape))
    return ((k * k * (31 + seed) + k * 79 + seed * 7) % 251 / 128 - 1).reshape(shape)
