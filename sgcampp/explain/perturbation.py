"""What a method of `Needs.SCORES` yields and is sent: masks over pixels, and their class scores.

    @method(needs=Needs.SCORES, passes=16)
    def some_method(images: NDArray[np.float32], choices: Choices) -> Perturbation:
        ...
        scores = yield masks
        return maps

`images` are the group's, float32 [b, H, W, C], the model's own input; a method may score several
sets of masks, one after the other. The engine lays a mask over an image on the device: pixels keep
that share of their value, and take the fill's for the rest.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[np.float32]
"""float32 [m, H, W], the same for all images, or [b, m, H, W]; 0 (pixel gone) to 1 (as it is)."""


@dataclass(frozen=True)
class Scored:
    """Class scores of masked images, and of the images themselves.

    Attributes:
        scores: [b, m, T], S of each class explained; of a contrast the difference.
        probabilities: [b, m, T], of the class; NaN for a head without softmax or sigmoid.
        clean_scores: [b, T], of the images without a mask.
        clean_probabilities: [b, T].
    """

    scores: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    clean_scores: NDArray[np.float64]
    clean_probabilities: NDArray[np.float64]


Perturbation = Generator[Masks, Scored, NDArray[np.float32]]
"""Yields masks, is sent their scores, and returns maps float32 [b, T, h, w], >= 0."""
