"""Small fixed inputs that other libraries and the tests' own code score alike.

Three images of 10 × 10 pixels, a linear-softmax model of four classes, and three maps without
ties. All are fractions with a power of two below, the same in float32 and float64.
"""

import json
import sys
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
IMAGES, SIDE, CHANNELS, CLASSES = 3, 10, 3, 4
STEPS = 20
"""Of insertion and deletion: 5 pixels each."""
SUBSETS, GRID = 30, 5


def images() -> Floats:
    """[3, 10, 10, 3], 0…1."""
    k = np.arange(IMAGES * SIDE * SIDE * CHANNELS)
    return ((k * k * 31 + k * 7919) % 1009 / 1024).reshape(IMAGES, SIDE, SIDE, CHANNELS)


def weights() -> Floats:
    """[300, 4]: logits are pixels [N, 300] times these."""
    k = np.arange(SIDE * SIDE * CHANNELS * CLASSES)
    return (((k * k * 3 + k * 41) % 61 - 30) / 512).reshape(-1, CLASSES)


def classes() -> list[int]:
    """The class explained of each image."""
    return [0, 2, 3]


def probabilities(pixels: Floats, c: int) -> Floats:
    """Softmax of the linear model for class c, [N, 10, 10, 3] to [N]."""
    logits = pixels.reshape(len(pixels), -1) @ weights()
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(powers[:, c] / powers.sum(-1))


def maps() -> Floats:
    """[3, 10, 10], above 0, powers of permutations of 1…100 over 128: no ties, as 101 is prime."""
    k = np.arange(1, SIDE * SIDE + 1)
    powers = [(k * step % 101 / 128) ** power for step, power in ((37, 1), (22, 2), (60, 3))]
    return np.stack(powers).reshape(-1, SIDE, SIDE)


def masks() -> NDArray[np.bool_]:
    """Booleans [3, 10, 10]: two rectangles, one, and a single pixel."""
    found = np.zeros((IMAGES, SIDE, SIDE), bool)
    found[0, 1:4, 2:7] = found[0, 6:9, 6:10] = found[1, 3:9, 1:8] = found[2, 4, 5] = True
    return found


def subsets() -> NDArray[np.bool_]:
    """Booleans [30, 5, 5], five cells each."""
    k, cell = np.arange(SUBSETS)[:, None], np.arange(GRID * GRID)
    places = np.argsort(np.argsort((cell * cell * 5 + cell * (7 * k + 3)) % 29 + cell / 32))
    return (places < GRID).reshape(SUBSETS, GRID, GRID)


def patterns() -> Floats:
    """[4, 10, 10, 3], −1/32…1/32: what is added to an image whose map should not change."""
    k = np.arange(4 * SIDE * SIDE * CHANNELS)
    return ((k * k * 13 + k * 5) % 67 / 33 - 1).reshape(4, SIDE, SIDE, CHANNELS) / 32


def explain(pixels: Floats, c: int) -> Floats:
    """A map that depends on the image: relu of the class's share of the logit, over its maximum."""
    share = pixels.reshape(len(pixels), -1) * weights()[:, c]
    found = np.maximum(share.reshape(-1, SIDE, SIDE, CHANNELS).sum(-1), 0)
    return np.asarray(found / found.max((1, 2), keepdims=True))


def write(package: str, values: dict[str, Any]) -> None:
    """Prints what the library of that name found, as JSON."""
    found = {"oracle": f"{package} {version(package)}", **values}
    json.dump(found, sys.stdout, indent=1, default=lambda value: np.asarray(value).tolist())
    sys.stdout.write("\n")
