"""MuFidelity: does taking out what the map calls important cost as much as it says?"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.draws import random_words
from sgcampp.metrics.arrays import finite_map, finite_scores, is_flat
from sgcampp.metrics.correlation import spearman
from sgcampp.metrics.metric import Floats, Undefined, metric


def random_subsets(
    count: int = 200, grid: int = 9, *, share: float = 0.2, seed: int = 0
) -> NDArray[np.bool_]:
    """Random sets of the cells of a grid over the image, each of exactly the same size.

    xplique's comment promises an exact size and its code draws each cell alone; ours is exact.

    Args:
        count: how many sets.
        grid: cells on each side.
        share: of the cells that a set holds, rounded to whole cells, at least 1.
        seed: the sets depend on it and on count and grid alone.

    Returns:
        bool [count, grid, grid], True for a cell that is taken out.
    """
    cells = grid * grid
    size = max(1, round(share * cells))
    words = random_words(count * cells, "subsets", seed, count, grid).reshape(count, cells)
    places = np.argsort(np.argsort(words, axis=1, kind="stable"), axis=1, kind="stable")
    return (places < size).reshape(count, grid, grid)


def cell_of_pixel(shape: tuple[int, int], grid: int) -> NDArray[np.int32]:
    """The cell of the grid in which each pixel's centre lies.

    A set's pixels are `subset.ravel()[cell_of_pixel(shape, grid)]`.

    Args:
        shape: (H, W).
        grid: cells on each side.

    Returns:
        int32 [H, W], row · grid + column.
    """
    row, column = ((2 * np.arange(side) + 1) * grid // (2 * side) for side in shape)
    return (row[:, None] * grid + column).astype(np.int32)


def subset_sums(saliency: ArrayLike, subsets: ArrayLike) -> Floats:
    """What the map says of each set: Σ of M over its pixels.

    Args:
        saliency: [H, W].
        subsets: bool [k, g, g].

    Returns:
        float64 [k].

    Raises:
        Undefined: `map_not_finite`.
    """
    M, sets = finite_map(saliency), np.asarray(subsets, np.bool_)
    grid = sets.shape[-1]
    cells = cell_of_pixel((M.shape[0], M.shape[1]), grid)
    in_cell = np.bincount(cells.ravel(), M.ravel(), minlength=grid * grid)
    return np.asarray(sets.reshape(len(sets), -1) @ in_cell, np.float64)


@metric(better="more")
def mu_fidelity(
    saliency: ArrayLike, p0: float, subsets: ArrayLike, subset_scores: ArrayLike
) -> float:
    """Spearman of what sets of cells cost and what the map says of them (Bhatt et al. 2020).

    Sets of super-pixels as xplique has them; the paper (arXiv 2005.00631) correlates by Pearson.

    Args:
        saliency: [H, W].
        p0: the probability of the class, 0…1.
        subsets: bool [k, g, g], True for the cells that were taken out.
        subset_scores: [k], the probability with each set taken out.

    Returns:
        Spearman over k of (p₀ − p_k, Σ_{S_k} M), −1…1; more is better.

    Raises:
        ValueError: if there are not as many scores as sets.
        Undefined: `map_not_finite`, `flat_map`, `score_not_finite`; `constant` if all sets cost,
            or are said to cost, the same.
    """
    before, scores = finite_scores(p0, subset_scores)
    M = finite_map(saliency)
    if is_flat(M):
        # Its sums differ by the cells' unequal sizes and by rounding alone.
        raise Undefined("flat_map")
    return spearman(before - scores, subset_sums(M, subsets))
