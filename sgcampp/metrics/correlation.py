"""Pearson's and Spearman's correlation, a value or a reason."""

import numpy as np
from numpy.typing import ArrayLike

from sgcampp.metrics.arrays import check_same_shape
from sgcampp.metrics.metric import Floats, Undefined


def pearson(first: ArrayLike, second: ArrayLike) -> float:
    """Pearson's correlation of two finite arrays of one shape, −1…1.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `constant`.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    check_same_shape(a, b)
    value = float(np.sum(centred(a) * centred(b)))
    return min(1.0, max(-1.0, value))


def centred(array: Floats) -> Floats:
    """The array less its mean, of length 1."""
    if not array.size or array.max() == array.min():
        raise Undefined("constant")
    rest = array - array.mean()
    # The squares of a map of 1e-200 would be 0.
    rest = rest / np.abs(rest).max()
    return rest / np.linalg.norm(rest)


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's rank correlation of two finite arrays of one shape, −1…1; ties share a rank.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `constant`.
    """
    from scipy.stats import rankdata

    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    check_same_shape(a, b)
    return pearson(rankdata(a), rankdata(b))
