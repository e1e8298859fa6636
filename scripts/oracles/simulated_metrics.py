"""Simulated metrics whose truth is known: skewed and bounded as the real ones are.

Two methods' values on one image depend on each other through the image.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int], tuple[Floats, Floats]]
"""generator, rows, columns → two methods' values [rows, columns]."""
MANY = 2_000_000  # draws that stand for the truth


@dataclass(frozen=True)
class Metric:
    """A simulated metric.

    Attributes:
        draw: two methods' values without a difference of their means.
        mean: of the first method.
        yes_no: whether it has two values.
        rows: of each image, which share what is the image's.
    """

    draw: Draw
    mean: float
    yes_no: bool = False
    rows: int = 1


def average_drop(rng: np.random.Generator, rows: int, columns: int) -> tuple[Floats, Floats]:
    """0 to 100, 30 % of each method's exactly 0, skewed; means 100 · .3 · .5 · .7."""
    image = rng.beta(0.6, 1.4, (rows, columns))
    first, second = rng.beta(0.8, 0.8, (2, rows, columns)) * (rng.random((2, rows, columns)) < 0.7)
    return 100 * image * first, 100 * image * second


def rare_drop(rng: np.random.Generator, rows: int, columns: int) -> tuple[Floats, Floats]:
    """0 to 100, 80 % exactly 0, a few near 100; means 100 · 1/6 · .2."""
    size = (2, rows, columns)
    first, second = 100 * rng.beta(0.3, 1.5, size) * (rng.random(size) < 0.2)
    return first, second


def energy(rng: np.random.Generator, rows: int, columns: int) -> tuple[Floats, Floats]:
    """0 to 1, hardly skewed; means .4 · .75."""
    image = rng.beta(2, 3, (rows, columns))
    first, second = rng.beta(3, 1, (2, rows, columns))
    return image * first, image * second


def increase(rng: np.random.Generator, rows: int, columns: int) -> tuple[Floats, Floats]:
    """Yes or no, the chance of it the image's; means .25."""
    image = rng.beta(1, 3, (rows, columns))
    first, second = rng.random((2, rows, columns)) < image
    return first.astype(np.float64), second.astype(np.float64)


def drop_of_classes(rng: np.random.Generator, rows: int, columns: int) -> tuple[Floats, Floats]:
    """Three classes an image, which share the image's part and each method's luck with it."""
    images = rows // 3
    image = np.repeat(rng.beta(0.6, 1.4, (images, columns)), 3, axis=0)
    luck = np.repeat(rng.beta(1, 1, (2, images, columns)), 3, axis=1)
    first, second = 100 * image * luck * rng.beta(3, 1, (2, rows, columns))
    return first, second


def lopsided(rng: np.random.Generator, rows: int, columns: int) -> tuple[Floats, Floats]:
    """Equal means, but the first method is a little better mostly and much worse at times.

    What a sign flip supposes, that each image's difference may as well be its opposite, is not so.
    """
    image = rng.beta(2, 3, (rows, columns))
    return 50 * image + 5 * rng.exponential(size=(rows, columns)), 50 * image + 5


METRICS = {
    "average drop": Metric(average_drop, 10.5),
    "average drop, 3 classes": Metric(drop_of_classes, 100 * 0.3 * 0.5 * 0.75, rows=3),
    "energy": Metric(energy, 0.3),
    "increase (yes/no)": Metric(increase, 0.25, yes_no=True),
    "rare drop": Metric(rare_drop, 100 / 6 * 0.2),
    "lopsided difference": Metric(lopsided, 25.0),
}
