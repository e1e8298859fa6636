"""Maps made comparable: without what speaks against the class, small, and of the sum 1."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LARGEST_SIDE = 14
"""Maps are made no larger than this: images differ in where the model looks, not in fine detail."""


def heat_of(array: NDArray[np.float32]) -> Floats | None:
    """What a map has above 0, scaled to the sum 1, made no larger than LARGEST_SIDE.

    Args:
        array: [h, w].

    Returns:
        float64, at most [LARGEST_SIDE, LARGEST_SIDE]; None for a map without heat.
    """
    heat = np.maximum(array.astype(np.float64), 0)
    if not heat.any():
        return None
    height, width = (min(side, LARGEST_SIDE) for side in heat.shape)
    return resized(heat / heat.max(), (height, width))


def resized(heat: Floats, size: tuple[int, int]) -> Floats:
    """A map at another size [h, w], by the area that its neurons cover; of the sum 1."""
    if heat.shape != size:
        rows, columns = (_shares(*sides) for sides in zip(size, heat.shape, strict=True))
        heat = rows @ heat @ columns.T
    return heat / heat.sum()


def overlap(cells: int, low: float, high: float) -> Floats:
    """How much of each of so many cells of equal length lies between two shares of the whole."""
    edges = np.arange(cells + 1) / cells
    inside = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return np.maximum(inside, 0) * cells


@lru_cache(maxsize=256)
def _shares(new: int, old: int) -> Floats:
    """[new, old]: how much of each old cell each new one covers."""
    return np.array([overlap(old, i / new, (i + 1) / new) for i in range(new)])
