"""A map from the layer's resolution to the image's, and an image's pixels to the layer's."""

import numpy as np
from numpy.typing import ArrayLike

from sgcampp.metrics.arrays import finite_map
from sgcampp.metrics.metric import Floats


def resize(saliency: ArrayLike, shape: tuple[int, int]) -> Floats:
    """The map at another size: bilinear, half-pixel centres, the edges continued.

    As `tf.image.resize` and `cv2.INTER_LINEAR`; without antialiasing where it shrinks.

    Args:
        saliency: [h, w].
        shape: (H, W).

    Returns:
        float64 [H, W]; equal neighbours stay equal to the bit, so a flat map stays flat.

    Raises:
        Undefined: `map_not_finite`.
    """
    M = finite_map(saliency)
    return stretch_rows(stretch_rows(M, shape[0]).T, shape[1]).T


def stretch_rows(array: Floats, height: int) -> Floats:
    """[h, w] to [height, w], linearly between the centres of rows."""
    rows = len(array)
    centre = np.clip((np.arange(height) + 0.5) * rows / height - 0.5, 0, rows - 1)
    above = np.floor(centre).astype(int)
    below = np.minimum(above + 1, rows - 1)
    share = (centre - above)[:, None]
    # Not (1 − share)·a + share·b, which makes equal values differ in the last digit.
    return array[above] + share * (array[below] - array[above])


def area_average(array: ArrayLike, shape: tuple[int, int]) -> Floats:
    """Means over the h × w equal rectangles that an array is cut into, cut pixels by their share.

    Args:
        array: [H, W].
        shape: (h, w).

    Returns:
        float64 [h, w].
    """
    pixels = finite_map(array)
    rows, columns = (overlaps(*sizes) for sizes in zip(pixels.shape, shape, strict=True))
    return rows @ pixels @ columns.T


def overlaps(fine: int, coarse: int) -> Floats:
    """The share of each of the `coarse` intervals that each of the `fine` ones covers.

    Returns:
        float64 [coarse, fine], rows sum to 1.
    """
    # In units of 1/(fine·coarse) all ends are whole numbers, so the shares are exact.
    start = np.arange(coarse)[:, None] * fine
    pixel = np.arange(fine)[None] * coarse
    common = np.minimum(start + fine, pixel + coarse) - np.maximum(start, pixel)
    return np.maximum(common, 0) / fine
