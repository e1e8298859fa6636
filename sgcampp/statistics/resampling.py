"""Sums of rows by image, and the weights of bootstrap resamples of images.

An image that has several rows (one a class explained) is drawn, or left out, with all of them.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

Aggregate = Callable[[Floats], Floats]
"""A statistic of weighted images: [b,N] weights ≥ 0 → [b] values, NaN where it is not defined."""

_BLOCK = 1 << 21  # cells of weights held at a time: 16 MiB, whatever the number of images


def image_sums(values: ArrayLike, images: ArrayLike | None = None) -> tuple[Floats, Floats]:
    """Adds up the rows of each image.

    Args:
        values: [R,C], a row a map, a column a metric; what is not finite is no value.
        images: [R], which image each row is of, numbers or text; None: each row is its own.

    Returns:
        (sums, counts): float64 [N,C] each, over the rows that have a value; the images are in
        sorted order.

    Raises:
        ValueError: for values that are not [R,C], or another number of images than rows.
    """
    rows = np.asarray(values, np.float64)
    if rows.ndim != 2:
        raise ValueError(f"values are {list(rows.shape)}, not [rows, columns]")
    present = np.isfinite(rows)
    sums, counts = np.where(present, rows, 0.0), present.astype(np.float64)
    if images is None:
        return sums, counts
    names, index = np.unique(np.asarray(images), return_inverse=True)
    if index.shape != (len(rows),):
        raise ValueError(f"{index.size} images are named for {len(rows)} rows")
    by_image = np.zeros((2, len(names), rows.shape[1]))
    np.add.at(by_image[0], index, sums)
    np.add.at(by_image[1], index, counts)
    return by_image[0], by_image[1]


def standard_errors(sums: Floats, counts: Floats) -> Floats:
    """Of the means Σ sums / Σ counts, √(n/(n−1) Σ (s_i − mean · n_i)²) / Σ n_i; one row each: s/√n.

    Args:
        sums: [N,C].
        counts: [N,C]; n is the number of images that have a value, at least 2.

    Returns:
        [C].
    """
    n, totals = (counts > 0).sum(0), counts.sum(0)
    residuals = sums - sums.sum(0) / totals * counts
    return np.asarray(np.sqrt(n / (n - 1) * (residuals**2).sum(0)) / totals)


def resample_weights(images: int, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each image was drawn, for all resamples, in blocks.

    Args:
        images: N, of which each resample draws N, with replacement.
        resamples: B.
        seed: the same one draws the same images again, at the same N.

    Yields:
        float64 [b,N], whole numbers; each row adds up to N.
    """
    generator = np.random.default_rng(seed)
    for rows in blocks(resamples, images):
        drawn = generator.integers(images, size=(len(rows), images))
        drawn += images * np.arange(len(rows))[:, None]
        counts = np.bincount(drawn.ravel(), minlength=drawn.size)
        yield counts.reshape(drawn.shape).astype(np.float64)


def left_out_weights(images: int) -> Iterator[Floats]:
    """The jackknife's weights [b,N] in blocks: 1 for each image but one."""
    for rows in blocks(images, images):
        weights = np.ones((len(rows), images))
        weights[np.arange(len(rows)), rows] = 0
        yield weights


def blocks(rows: int, columns: int) -> Iterator[range]:
    """Cuts `rows` into ranges that have few enough cells to be held."""
    step = max(1, _BLOCK // max(1, columns))
    for first in range(0, rows, step):
        yield range(first, min(rows, first + step))
