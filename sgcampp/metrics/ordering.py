"""The order in which a map's pixels are put in or taken out.

Many pixels of a map are tied (a ReLU's zeros, the continued edges), so a threshold takes the wrong
share of them. Pixels are ranked instead, ties broken by a seeded shuffle, and counted exactly.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.draws import random_permutation
from sgcampp.metrics.arrays import finite_map


@lru_cache(maxsize=8)
def tie_order(seed: int, height: int, width: int) -> NDArray[np.int64]:
    """The order of the pixels where all are tied, int64 [height·width]; not to be written to."""
    shuffled = random_permutation(height * width, "ties", seed, height, width)
    shuffled.flags.writeable = False
    return shuffled


def pixel_order(saliency: ArrayLike, *, seed: int = 0) -> NDArray[np.int64]:
    """The map's pixels, the most important first.

    Args:
        saliency: [H, W].
        seed: breaks ties; their order depends on (seed, H, W) alone, not on the map.

    Returns:
        int64 [H·W], flat indices, a permutation.

    Raises:
        Undefined: `map_not_finite`.
    """
    M = finite_map(saliency)
    shuffled = tie_order(seed, *M.shape)
    return shuffled[np.argsort(-M.ravel()[shuffled], kind="stable")]


def highest_pixel(saliency: ArrayLike, *, seed: int = 0) -> tuple[int, int]:
    """The first pixel of `pixel_order`, (row, column).

    Raises:
        Undefined: `map_not_finite`.
    """
    M = finite_map(saliency)
    shuffled = tie_order(seed, *M.shape)
    row, column = divmod(int(shuffled[np.argmax(M.ravel()[shuffled])]), M.shape[1])
    return row, column


def pixel_ranks(saliency: ArrayLike, *, seed: int = 0) -> NDArray[np.int32]:
    """Each pixel's place in the order, 0 for the most important.

    The c most important pixels are `ranks < c`, the c least important `ranks >= H·W − c`.

    Args:
        saliency: [H, W].
        seed: breaks ties, as in `pixel_order`.

    Returns:
        int32 [H, W].

    Raises:
        Undefined: `map_not_finite`.
    """
    order = pixel_order(saliency, seed=seed)
    ranks = np.empty(len(order), np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return ranks.reshape(np.shape(saliency))


def step_counts(pixels: int, steps: int) -> NDArray[np.int64]:
    """How many pixels are in, or out, after each step, both ends included.

    Args:
        pixels: of the image, H·W.
        steps: how many steps lead from none to all, >= 1.

    Returns:
        int64 [steps + 1], from 0 to `pixels`, each rounded to the nearest whole number, .5 up;
        with fewer pixels than steps each count stands there once.

    Raises:
        ValueError: for steps < 1.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}, accepted: 1 or more")
    counts = (2 * np.arange(steps + 1, dtype=np.int64) * pixels + steps) // (2 * steps)
    return np.unique(counts)


def shares_of(counts: ArrayLike, pixels: int) -> NDArray[np.float64]:
    """The exact shares of the pixels that the counts are, float64 [steps + 1], 0…1."""
    return np.asarray(counts, np.float64) / pixels


def tied_share(saliency: ArrayLike) -> float:
    """The share of pixels whose value another pixel has too: their order is the seed's, 0…1.

    Args:
        saliency: [H, W].

    Raises:
        Undefined: `map_not_finite`.
    """
    M = finite_map(saliency)
    # + 0.0 makes the negative zero a zero; the two compare equal but sort as one anyway.
    _, counts = np.unique(M + 0.0, return_counts=True)
    return float(counts[counts > 1].sum() / M.size)
