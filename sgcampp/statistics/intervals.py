"""Means over images, and statistics that are no means, with their 95 % bootstrap intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from sgcampp.statistics.bca import bca_ends
from sgcampp.statistics.resampling import (
    Aggregate,
    Floats,
    image_sums,
    left_out_weights,
    resample_weights,
    standard_errors,
)

LEVEL = 0.95
RESAMPLES = 9_999

Kind = Literal["bca", "student"]
"""`bca`: bootstrap, follows skew. `student`: mean ± t · standard error, symmetrical.

Differences of two methods are mostly symmetrical with many near 0 and a few far from it. BCa takes
those few for skew and is too narrow there: at 30 images it covers 91 %, `student` 95 %. For the
skewed means of one method it is the other way round (scripts/oracles/statistics_check.py).
"""

_FEW = 30  # of N images, that a resample has none of is less likely than e^-30
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval that covers the truth in 95 of 100 samples of images.

    Attributes:
        estimate: or None if no image has a value.
        low: or None if there is no interval.
        high: or None if there is no interval.
        images: how many images have a value.
        reason: what is special about it, or None: `no values`; `one image` (no interval);
            `constant` (all images alike: both ends are the estimate); `one-sided` (all resamples
            on one side of the estimate: percentiles, see `bca_ends`); `undefined` (the statistic
            has no value, or none in most resamples).
    """

    estimate: float | None
    low: float | None
    high: float | None
    images: int
    reason: str | None = None


def mean_intervals(
    values: ArrayLike,
    images: ArrayLike | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    kind: Kind = "bca",
) -> list[Interval]:
    """The mean of each column over its rows, with its interval over images.

    All columns share the resamples of images. A column that few of the images have a value in is
    resampled among those alone. The jackknife is in closed form: without image i the mean of n
    rows is (S − s_i)/(n − n_i).

    Args:
        values: [R,C], a row a map, a column a metric (of a method); what is not finite is no value.
        images: [R], which image each row is of, drawn with all its rows; None: each its own.
        seed: of the resamples.
        resamples: B.
        level: of the intervals.
        kind: `bca`, or `student`, which does not resample.

    Returns:
        An interval a column.
    """
    sums, counts = image_sums(values, images)
    found: dict[int, Interval] = {}
    draw = (seed, resamples) if kind == "bca" else None
    for columns in _together(counts):
        has = np.flatnonzero(counts[:, columns[0]] > 0) if len(columns) == 1 else slice(None)
        drawn = sums[has][:, columns], counts[has][:, columns]
        for column, interval in zip(columns, _ratios(*drawn, draw, level), strict=True):
            found[int(column)] = interval
    return [found[column] for column in range(sums.shape[1])]


def interval_of(
    aggregate: Aggregate,
    images: int,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """Any statistic of weighted images, with its BCa interval.

    What the statistic chooses, it chooses inside each resample: the best threshold of max_box_acc
    is argmax over thresholds of `weights @ hits`; pxap pools pixels as `weights @ histograms`.

    Args:
        aggregate: weights [b,N] → [b]; each row of weights adds up to N, or to N − 1 with one
            image left out. It must not depend on the scale of the weights.
        images: N.
        seed: of the resamples.
        resamples: B; a resample without a value is left out.
        level: of the interval.
    """
    if images < 1:
        return Interval(None, None, None, 0, "no values")
    estimate = float(aggregate(np.ones((1, images)))[0])
    if not np.isfinite(estimate):
        return Interval(None, None, None, images, "undefined")
    if images == 1:
        return Interval(estimate, None, None, 1, "one image")
    drawn = _defined(aggregate, resample_weights(images, resamples, seed))
    if len(drawn) <= resamples // 2:
        return Interval(estimate, None, None, images, "undefined")
    left_out = _defined(aggregate, left_out_weights(images))
    scale = np.abs(drawn).max(keepdims=True)
    if np.ptp(drawn) <= _ROUNDING * scale[0]:
        return Interval(estimate, estimate, estimate, images, "constant")
    ends, one_sided = bca_ends(
        drawn[:, None] - estimate, left_out[:, None] - estimate, scale, images, level
    )
    low, high = (float(estimate + end) for end in ends[:, 0])
    return Interval(estimate, low, high, images, "one-sided" if one_sided[0] else None)


def _together(counts: Floats) -> Iterator[NDArray[np.intp]]:
    """Yields columns that can share resamples of all images, then each of the others."""
    having = (counts > 0).sum(0)
    alone = having < np.minimum(_FEW, len(counts))
    if not alone.all():
        yield np.flatnonzero(~alone)
    for column in np.flatnonzero(alone):
        yield np.array([column])


def _ratios(
    sums: Floats, counts: Floats, draw: tuple[int, int] | None, level: float
) -> Iterator[Interval]:
    """Yields the interval of Σ sums / Σ counts of each column [N,C]; Student's without draw."""
    having = (counts > 0).sum(0)
    totals = counts.sum(0)
    estimates = sums.sum(0) / np.where(totals > 0, totals, 1)
    residuals = np.abs(sums - estimates * counts).max(0, initial=0)
    constant = residuals <= _ROUNDING * np.abs(sums).max(0, initial=0)
    varied = (having > 1) & ~constant
    ends = np.zeros((2, len(having)))
    one_sided = np.zeros(len(having), bool)
    if varied.any() and draw:
        some = sums[:, varied], counts[:, varied]
        ends[:, varied], one_sided[varied] = _bootstrap_ends(*some, draw, level)
    elif varied.any():
        half = standard_errors(sums[:, varied], counts[:, varied])
        ends[1, varied] = half * student.ppf((1 + level) / 2, having[varied] - 1)
        ends[0] = -ends[1]
    reasons = np.where(constant, "constant", np.where(one_sided, "one-sided", ""))
    least, most = _range_of_images(sums, counts)
    for column, n in enumerate(having):
        # Rounding must not lead out of the images' own means, such as below 0, or part equals.
        estimate = float(np.clip(estimates[column], least[column], most[column])) if n else None
        if estimate is None or n < 2:
            yield Interval(estimate, None, None, int(n), "one image" if n else "no values")
            continue
        low, high = estimates[column] + ends[:, column]
        if draw or constant[column]:
            low, high = np.clip([low, high], least[column], most[column])
        yield Interval(estimate, float(low), float(high), int(n), str(reasons[column]) or None)


def _range_of_images(sums: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """The least and the largest mean of an image in each column."""
    means = sums / np.where(counts > 0, counts, 1)
    least = np.where(counts > 0, means, np.inf).min(0, initial=np.inf)
    return least, np.where(counts > 0, means, -np.inf).max(0, initial=-np.inf)


def _bootstrap_ends(
    sums: Floats, counts: Floats, draw: tuple[int, int], level: float
) -> tuple[Floats, NDArray[np.bool_]]:
    totals = counts.sum(0)
    residuals = sums - sums.sum(0) / totals * counts
    return bca_ends(
        _resampled(residuals, counts, *draw),
        -residuals / (totals - counts),
        np.abs(sums).max(0) / totals,
        (counts > 0).sum(0),
        level,
    )


def _resampled(residuals: Floats, counts: Floats, seed: int, resamples: int) -> Floats:
    """Resampled means less the estimates, [B,C]."""
    patterns, pattern = np.unique(counts, axis=1, return_inverse=True)
    both = np.hstack([residuals, patterns])
    columns = residuals.shape[1]
    drawn = []
    for weights in resample_weights(len(residuals), resamples, seed):
        product = weights @ both
        drawn.append(product[:, :columns] / product[:, columns:][:, pattern.ravel()])
    return np.concatenate(drawn)


def _defined(aggregate: Aggregate, weights: Iterator[Floats]) -> Floats:
    values = np.concatenate([np.asarray(aggregate(some), np.float64) for some in weights])
    return values[np.isfinite(values)]
