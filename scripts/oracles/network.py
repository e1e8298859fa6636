"""A small network of fixed weights and what perturbation methods are asked of it.

Two images of 12 × 12 pixels; convolution and ReLU (`features`, 12 × 12 × 4), max-pooling,
convolution and ReLU (`deep`, 6 × 6 × 5), dense layer, three classes. All are fractions with a power
of two below, the same in float32 and float64.
"""
# mypy: disable-error-code="import-not-found"

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
IMAGES, SIDE, CHANNELS, CLASSES = 2, 12, 3, 3
WINDOW, STRIDE = 5, 3
"""Of occlusion: the last windows reach beyond the border."""
GRIDS = 40
"""Masks of RISE."""
CELLS, SAMPLES = 9, 60
"""Of LIME: squares of 4 × 4 pixels, and perturbed images."""


def _fractions(count: int, a: int, b: int, modulus: int) -> Floats:
    """Numbers in −1/2…1/2 without much pattern."""
    k = np.arange(count)
    return ((k * k * a + k * b) % modulus - modulus // 2) / 2 ** int(modulus).bit_length()


def images() -> Floats:
    """[2, 12, 12, 3], −1…1."""
    count = IMAGES * SIDE * SIDE * CHANNELS
    return 2 * _fractions(count, 31, 7919, 1009).reshape(IMAGES, SIDE, SIDE, CHANNELS)


def classes() -> list[int]:
    """The class explained of each image."""
    return [0, 2]


def weights() -> list[Floats]:
    """Kernels [3, 3, in, out] and biases of both convolutions, matrix [180, 3] and bias."""
    first = _fractions(27 * 4, 5, 41, 61).reshape(3, 3, 3, 4)
    second = _fractions(36 * 5, 3, 17, 67).reshape(3, 3, 4, 5)
    dense = _fractions(180 * 3, 7, 29, 127).reshape(180, 3)
    biases = (_fractions(4, 1, 3, 7) / 4, _fractions(5, 1, 2, 7) / 4, _fractions(3, 1, 1, 5) / 4)
    return [first, biases[0], second, biases[1], dense, biases[2]]


def cells() -> NDArray[np.int64]:
    """The square of each pixel, [12, 12]."""
    place = np.arange(SIDE) * 3 // SIDE
    return place[:, None] * 3 + place


def shown() -> NDArray[np.bool_]:
    """Which squares each perturbed image shows, [60, 9]."""
    k, cell = np.arange(SAMPLES)[:, None], np.arange(CELLS)
    return (k * k * 7 + cell * cell * 13 + k * cell * 5 + k) % 11 > 4


def torch_network() -> Any:
    """The same in torch, float64, [N, 3, 12, 12] to logits; `features` and `deep` are its parts."""
    import torch
    from torch import nn

    k1, b1, k2, b2, matrix, b3 = (torch.from_numpy(np.ascontiguousarray(w)) for w in weights())
    parts = {
        "conv1": nn.Conv2d(3, 4, 3, padding=1),
        "features": nn.ReLU(),
        "pool": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(4, 5, 3, padding=1),
        "deep": nn.ReLU(),
        "flatten": nn.Flatten(),
        "dense": nn.Linear(180, 3),
    }
    network = nn.Sequential()
    for name, part in parts.items():
        network.add_module(name, part.double())
    # Keras flattens [h, w, K], torch [K, h, w].
    rows = matrix.reshape(6, 6, 5, 3).permute(3, 2, 0, 1).reshape(3, 180)
    given = [k1.permute(3, 2, 0, 1), b1, k2.permute(3, 2, 0, 1), b2, rows, b3]
    for own, value in zip(network.parameters(), given, strict=True):
        own.data = value.contiguous()
    return network.eval()


def torch_images() -> Any:
    """[2, 3, 12, 12]."""
    import torch

    return torch.from_numpy(images().transpose(0, 3, 1, 2).copy())
