"""Tests of no difference between two methods on the same images, and what they could show."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest
from scipy.stats import t as student

from sgcampp.statistics.resampling import Aggregate, Floats, blocks, standard_errors

FLIPS = 9_999
EXACT_UP_TO = 12
"""Images with a difference of which all 2^n sign flips are counted."""

_ROUNDING = 1e-12  # of Σ|d|: sums of the same numbers with other signs differ by less


def sign_flip_p(differences: Floats, seed: int = 0, flips: int = FLIPS) -> list[float]:
    """Two-sided permutation p of each column: may every image's difference as well be its opposite?

    p is the share of the sign flips whose sum is as far from 0 as the real one. All of them are
    counted where at most 12 images differ, else p = (k + 1)/(R + 1) of R random ones, of which no
    p is below 1/(R + 1): R = 9,999 can show a difference in families of up to 500.

    Args:
        differences: [N,C], an image's rows added up, so that an image flips whole; 0 for no value.
        seed: of the random flips, which all columns share.
        flips: R.

    Returns:
        p a column; 1 where no image differs.
    """
    found: dict[int, float] = {}
    apart = (differences != 0).sum(0)
    for column in np.flatnonzero(apart <= EXACT_UP_TO):
        d = differences[:, column]
        every = _every_sign(int(apart[column])) @ d[d != 0]
        found[int(column)] = float(_as_far(every[:, None], d[:, None]).mean())
    many = np.flatnonzero(apart > EXACT_UP_TO)
    if len(many):
        k = _as_far_at_random(differences[:, many], seed, flips)
        found |= {int(c): float((k[i] + 1) / (flips + 1)) for i, c in enumerate(many)}
    return [found[column] for column in range(differences.shape[1])]


def swap_p(aggregate: Aggregate, images: int, seed: int = 0, flips: int = FLIPS) -> float | None:
    """Two-sided permutation p for a statistic that is no mean: two methods' maps are swapped.

    Args:
        aggregate: a statistic of weighted maps, [b,2N] → [b]: the N images' maps of the first
            method, then of the second; one of each two has weight 0.
        images: N.
        seed: of the random swaps.
        flips: R, of which p = (k + 1)/(R + 1).

    Returns:
        p, or None where the statistic is not defined for one of the two.
    """
    real = _swapped(aggregate, np.zeros((1, images)))[0]
    if not np.isfinite(real):
        return None
    generator = np.random.default_rng(seed)
    far = 0
    for rows in blocks(flips, 2 * images):
        swaps = generator.integers(2, size=(len(rows), images)).astype(np.float64)
        # A swap without a value counts against the difference.
        far += int((~(np.abs(_swapped(aggregate, swaps)) < abs(real) * (1 - _ROUNDING))).sum())
    return (far + 1) / (flips + 1)


def mcnemar_p(wins: int, losses: int) -> float:
    """Exact two-sided McNemar p: is each of the images that differ as likely to go either way?

    Args:
        wins: images where only the first of two methods has a yes.
        losses: images where only the second has.
    """
    apart = wins + losses
    return float(binomtest(wins, apart, 0.5).pvalue) if apart else 1.0


def smallest_difference(differences: ArrayLike, counts: ArrayLike) -> float | None:
    """The mean difference that as many images show with a power of 80 % at two-sided p < .05.

    (t_.975 + t_.8) · s/√n, with Student's quantiles of n − 1 degrees of freedom: the usual
    approximation without the noncentral t, whose power is .79 at n = 5 and .80 from 10 on. s is the
    standard deviation of the differences over images; `standard_errors` tells of several rows each.

    Args:
        differences: [N], an image's differences added up.
        counts: [N], how many there are; images without one do not count.

    Returns:
        The difference, or None for fewer than two images or differences that are all alike.
    """
    d, n_i = (np.asarray(given, np.float64)[:, None] for given in (differences, counts))
    n = int((n_i > 0).sum())
    if n < 2:
        return None
    error = float(standard_errors(d, n_i)[0])
    alike = error * n_i.sum() <= _ROUNDING * np.abs(d).max()
    return None if alike else float(student.ppf([0.975, 0.8], n - 1).sum() * error)


def _every_sign(images: int) -> Floats:
    """All rows of ±1, [2^n,n]."""
    bits = np.arange(2**images)[:, None] >> np.arange(images)
    return np.where(bits & 1, -1.0, 1.0)


def _as_far(sums: Floats, differences: Floats) -> NDArray[np.bool_]:
    """Which of the sums [b,C] are as far from 0 as that of the real differences [N,C]."""
    least = np.abs(differences.sum(0)) - _ROUNDING * np.abs(differences).sum(0)
    return np.asarray(np.abs(sums) >= least)


def _as_far_at_random(differences: Floats, seed: int, flips: int) -> NDArray[np.int64]:
    generator = np.random.default_rng(seed)
    images, columns = differences.shape
    far = np.zeros(columns, np.int64)
    for rows in blocks(flips, images):
        flipped = generator.integers(2, size=(len(rows), images), dtype=np.int8)
        far += _as_far(np.where(flipped, -1.0, 1.0) @ differences, differences).sum(0)
    return far


def _swapped(aggregate: Aggregate, swaps: Floats) -> Floats:
    """The difference of the two methods [b] after swaps [b,N] of 0 and 1."""
    first, second = np.hstack([1 - swaps, swaps]), np.hstack([swaps, 1 - swaps])
    return np.asarray(aggregate(first)) - np.asarray(aggregate(second))
