"""Metrics that are one number for many maps: their intervals and comparisons (see `pooled`)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sgcampp.evaluation.gathering import Grid
from sgcampp.evaluation.records import Reals
from sgcampp.evaluation.rows import Series
from sgcampp.metrics.metric import Floats
from sgcampp.statistics.intervals import Interval, interval_of
from sgcampp.statistics.paired import Comparison, compare_aggregates
from sgcampp.statistics.resampling import Aggregate

Pool = Callable[[Floats], Floats]

RESAMPLES = 1_999
"""Fewer than means have: each costs a whole evidence."""

MOST_GROUPS = 500
"""More images are put together at random in so many groups, which are drawn and swapped whole.

A sum over a random group varies as that of its images does, so intervals keep their coverage; with
10,000 images in 500 groups the resamples cost a twentieth.
"""


@dataclass(frozen=True)
class Evidence:
    """What a pooled metric's number is made from.

    Attributes:
        rows: int [n], rising, of the grid.
        images: int [n], each row's image.
        arrays: [n, ...], a map's evidence each.
    """

    rows: NDArray[np.int64]
    images: NDArray[np.int64]
    arrays: Reals


def evidence_of(grid: Grid, series: Series, metric: str) -> Evidence | None:
    """The evidence of all maps of a series, or None if it has none."""
    places = zip(grid.places[series], grid.records[series], strict=True)
    found = {
        int(row): record.evidence[metric] for row, record in places if metric in record.evidence
    }
    if not found:
        return None
    rows = np.array(sorted(found), np.int64)
    return Evidence(rows, grid.images[rows], np.stack([found[row] for row in rows]))


def pooled_interval(pool: Pool, evidence: Evidence, seed: int) -> Interval:
    """The metric over all maps, with its BCa interval over images."""
    images, groups = _groups(evidence.images, seed)
    sums, counts = _by_group(evidence.arrays, groups)
    statistic = _statistic(pool, sums, counts)
    interval = interval_of(statistic, len(counts), seed, RESAMPLES)
    return replace(interval, images=images)


def pooled_comparison(
    pool: Pool, first: Evidence, second: Evidence, identical: bool, seed: int, flips: int
) -> Comparison | None:
    """The first series less the second, over the rows that both have evidence of; None for none."""
    shared, of_first, of_second = np.intersect1d(first.rows, second.rows, True, True)
    if not len(shared):
        return None
    images, groups = _groups(first.images[of_first], seed)
    halves = [
        _by_group(evidence.arrays[rows], groups)
        for evidence, rows in ((first, of_first), (second, of_second))
    ]
    sums, counts = (np.concatenate(both) for both in zip(*halves, strict=True))
    statistic = _statistic(pool, sums, counts)
    found = compare_aggregates(statistic, len(counts) // 2, identical, seed, RESAMPLES, flips)
    return replace(found, difference=replace(found.difference, images=images))


def _groups(images: NDArray[np.int64], seed: int) -> tuple[int, NDArray[np.int64]]:
    """How many images there are, and the group that each row's image is in."""
    names, index = np.unique(images, return_inverse=True)
    if len(names) <= MOST_GROUPS:
        return len(names), index
    group = np.random.default_rng(seed).permutation(len(names)) % MOST_GROUPS
    return len(names), group[index]


def _by_group(arrays: Reals, groups: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The sums [G, ...] of each group's evidence, and its maps [G]."""
    order = np.argsort(groups, kind="stable")
    _, starts, counts = np.unique(groups[order], return_index=True, return_counts=True)
    sums = np.add.reduceat(arrays[order], starts, axis=0, dtype=np.float64)
    return sums, counts.astype(np.float64)


def _statistic(pool: Pool, sums: Floats, counts: Floats) -> Aggregate:
    """The metric of weighted groups, pooled from the mean evidence of their maps."""
    flat = sums.reshape(len(sums), -1)

    def of(weights: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):  # NaN is a resample without a value
            means = (weights @ flat) / (weights @ counts)[:, None]
            return pool(means.reshape(-1, *sums.shape[1:]))

    return of
