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
    columns = np.asarray(values, np.float64)
    present = np.isfinite(columns)
    ranks = _ranks(columns)
    size = columns.shape[1]
    found: list[list[float | None]] = [[None] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            both = present[:, i] & present[:, j]
            all_rows = both.sum() == present[:, i].sum() == present[:, j].sum()
            pair = ranks[:, [i, j]] if all_rows else _ranks(columns[both][:, [i, j]])
            found[i][j] = found[j][i] = _pearson(pair[both] if all_rows else pair)
    return found


def _ranks(columns: Floats) -> Floats:
    """Ranks down each column, those of missing values NaN."""
    return np.asarray(rankdata(columns, axis=0, nan_policy="omit"))


def _pearson(pair: Floats) -> float | None:
    if len(pair) < FEWEST:
        return None
    a, b = (pair - pair.mean(0)).T  # ranks are halves of whole numbers: a constant column is 0
    norm = np.sqrt((a @ a) * (b @ b))
    return float(np.clip(a @ b / norm, -1, 1)) if norm > 0 else None
