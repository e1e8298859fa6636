"""Means over images, and statistics that are no means, with their 95 % bootstrap intervals."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.evaluate.bca import bca_ends
from sgcampp.evaluate.resampling import (
    Aggregate,
    Floats,
    image_sums,
    left_out_weights,
    resample_weights,
)

LEVEL = 0.95
RESAMPLES = 9_999

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
) -> list[Interval]:
    """The mean of each column over its rows, with its BCa interval over images.

    All columns share the resamples of images. A column that few of the images have a value in is
    resampled among those alone. The jackknife is in closed form: without image i the mean of n
    rows is (S − s_i)/(n − n_i).

    Args:
        values: [R,C], a row a map, a column a metric (of a method); what is not finite is no value.
        images: [R], which image each row is of, drawn with all its rows; None: each its own.
        seed: of the resamples.
        resamples: B.
        level: of the intervals.

    Returns:
        An interval a column.
    """
    sums, counts = image_sums(values, images)
    found: dict[int, Interval] = {}
    for columns in _together(counts):
        has = np.flatnonzero(counts[:, columns[0]] > 0) if len(columns) == 1 else slice(None)
        drawn = sums[has][:, columns], counts[has][:, columns]
        for column, interval in zip(columns, _ratios(*drawn, seed, resamples, level), strict=True):
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
    sums: Floats, counts: Floats, seed: int, resamples: int, level: float
) -> Iterator[Interval]:
    """Yields the interval of Σ sums / Σ counts of each column [N,C]."""
    having = (counts > 0).sum(0)
    totals = counts.sum(0)
    estimates = sums.sum(0) / np.where(totals > 0, totals, 1)
    residuals = sums - estimates * counts
    scale = np.abs(sums).max(0, initial=0)
    constant = np.abs(residuals).max(0, initial=0) <= _ROUNDING * scale
    varied = np.flatnonzero((having > 1) & ~constant)
    ends = np.zeros((2, len(having)))
    one_sided = np.zeros(len(having), bool)
    if len(varied):
        ends[:, varied], one_sided[varied] = bca_ends(
            _resampled(residuals[:, varied], counts[:, varied], seed, resamples),
            -residuals[:, varied] / (totals - counts)[:, varied],
            scale[varied] / totals[varied],
            having[varied],
            level,
        )
    found = _within_images(np.vstack([estimates, estimates + ends]), sums, counts)
    for column, n in enumerate(having):
        estimate, low, high = map(float, found[:, column])
        if n < 2:
            only = estimate if n else None
            yield Interval(only, None, None, int(n), "one image" if n else "no values")
        else:
            reason = "constant" if constant[column] else "one-sided" if one_sided[column] else None
            yield Interval(estimate, low, high, int(n), reason)


def _within_images(found: Floats, sums: Floats, counts: Floats) -> Floats:
    """Rounding must not lead out of the images' own means: a share below 0, or unequal equals."""
    means = sums / np.where(counts > 0, counts, 1)
    least = np.where(counts > 0, means, np.inf).min(0, initial=np.inf)
    most = np.where(counts > 0, means, -np.inf).max(0, initial=-np.inf)
    return np.asarray(
        np.where(counts.any(0), np.clip(found, least, np.maximum(most, least)), found)
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
