"""Do metrics agree on which maps are good? Rank correlation between them, over images."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from sgcampp.statistics.resampling import Floats

FEWEST = 3
"""Rows that a correlation needs: through two points it is always 1."""


def spearman(values: ArrayLike) -> list[list[float | None]]:
    """Spearman's rank correlation of each two metrics, over the rows where both have a value.

    Tied values share the mean of their ranks.

    Args:
        values: [R,C], a row a map, a column a metric; what is not finite is no value.

    Returns:
        [C][C], symmetrical; None where fewer than three rows have both, or one is constant there
        (also on the diagonal).
    """
    given = np.asarray(values, np.float64)
    present = np.isfinite(given)
    columns = np.where(present, given, np.nan)
    ranks = _centred(_ranks(columns))
    products, shared = ranks.T @ ranks, present.T.astype(int) @ present
    size = columns.shape[1]
    found: list[list[float | None]] = [[None] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            if shared[i, j] == shared[i, i] == shared[j, j]:
                of_pair = products[np.ix_([i, j], [i, j])]
            else:
                both = present[:, i] & present[:, j]
                some = _centred(_ranks(columns[both][:, [i, j]]))
                of_pair = some.T @ some
            if shared[i, j] >= FEWEST:
                found[i][j] = found[j][i] = _pearson(of_pair)
    return found


def _ranks(columns: Floats) -> Floats:
    """Ranks down each column, those of missing values NaN."""
    return np.asarray(rankdata(columns, axis=0, nan_policy="omit"))


def _centred(ranks: Floats) -> Floats:
    """Less the mean of each column, which is half a whole number: a constant column becomes 0.

    So do missing values.
    """
    there = np.isfinite(ranks)
    mean = np.where(there, ranks, 0).sum(0) / np.maximum(there.sum(0), 1)
    return np.where(there, ranks - mean, 0)


def _pearson(products: Floats) -> float | None:
    """Of two centred columns, given the products [2,2] of each with each."""
    norm = np.sqrt(products[0, 0] * products[1, 1])
    return float(np.clip(products[0, 1] / norm, -1, 1)) if norm > 0 else None
