"""What stands for pixels that are taken out of an image."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]


def _black(image: Image, black: Image) -> Image:
    return np.broadcast_to(black, image.shape)


def _mean(image: Image, black: Image) -> Image:
    return np.broadcast_to(image.mean((0, 1), dtype=np.float64).astype(np.float32), image.shape)


def _blur(image: Image, black: Image) -> Image:
    """RISE's substrate: a Gaussian of 11 × 11 pixels, σ = 5 (Petsiuk et al. 2018)."""
    blurred = cv2.GaussianBlur(image, (11, 11), 5)
    return np.asarray(blurred, np.float32).reshape(image.shape)


FILLS: dict[str, Callable[[Image, Image], Image]] = {
    "black": _black,
    "mean": _mean,
    "blur": _blur,
}
"""(the model's input [H, W, C], its value for a black pixel [C]) to the fill [H, W, C].

Preprocessing is affine, channel by channel: a blur or a mean of the model's input is that of the
pixels.
"""
