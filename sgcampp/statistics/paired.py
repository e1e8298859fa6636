"""Two methods on the same images: how far apart they are, and whether that is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from sgcampp.statistics.intervals import (
    LEVEL,
    RESAMPLES,
    Interval,
    Kind,
    interval_of,
    mean_intervals,
)
from sgcampp.statistics.permutation import (
    EXACT_UP_TO,
    FLIPS,
    mcnemar_p,
    sign_flip_p,
    smallest_difference,
    swap_p,
)
from sgcampp.statistics.resampling import Aggregate, Floats, image_sums

Direction = Literal["more", "less"]
"""Which values of a metric are better."""


@dataclass(frozen=True)
class Comparison:
    """The first of two methods less the second, over the rows where both have a value.

    Attributes:
        difference: the mean of the differences.
        p: of no difference; None for identical maps, and where no image can tell.
        test: what p is of: `sign-flip`, `exact sign-flip`, `McNemar`, `swap`; None without p.
        sign_flip_p: also where p is McNemar's.
        wins: images where the first method is better.
        ties: images where both are equal.
        losses: images where the first method is worse.
        smallest: the difference that so many images would have shown in 80 % of samples, or None.
        identical: whether the two methods' maps are one map in each row.
    """

    difference: Interval
    p: float | None
    test: str | None
    sign_flip_p: float | None
    wins: int
    ties: int
    losses: int
    smallest: float | None
    identical: bool


def compare_means(
    first: ArrayLike,
    second: ArrayLike,
    directions: Sequence[Direction],
    images: ArrayLike | None = None,
    identical: ArrayLike | None = None,
    yes_no: ArrayLike | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    flips: int = FLIPS,
    level: float = LEVEL,
    kind: Kind = "bca",
) -> list[Comparison]:
    """Compares two methods in each metric.

    Args:
        first: [R,C], a row a map, a column a metric; what is not finite is no value.
        second: [R,C], of the same images and classes.
        directions: C words.
        images: [R], which image each row is of; an image is drawn, flipped and counted as a whole.
        identical: bool, or [C]: the two maps are one map in each row (an affine head).
        yes_no: bool, or [C]: two-valued metrics, whose p is McNemar's if no image has two rows.
        seed: of the resamples and flips.
        resamples: of the intervals.
        flips: of the permutation test.
        level: of the intervals.
        kind: of the intervals, see `Kind` for when `student` is nearer to 95 %.

    Returns:
        A comparison a column.

    Raises:
        ValueError: for arrays of different shapes or another number of directions than columns.
    """
    differences = _differences(first, second, len(directions))
    intervals = mean_intervals(differences, images, seed, resamples, level, kind)
    sums, counts = image_sums(differences, images)
    flipped = sign_flip_p(sums, seed, flips)
    same, two_valued = _by_column(identical, len(intervals)), _by_column(yes_no, len(intervals))
    return [
        _compared(
            sums[:, c], counts[:, c], interval, flipped[c], directions[c], same[c], two_valued[c]
        )
        for c, interval in enumerate(intervals)
    ]


def compare_aggregates(
    aggregate: Aggregate,
    images: int,
    identical: bool = False,
    seed: int = 0,
    resamples: int = RESAMPLES,
    flips: int = FLIPS,
    level: float = LEVEL,
) -> Comparison:
    """Compares two methods in a statistic that is no mean, such as max_box_acc or pxap.

    Args:
        aggregate: a statistic of weighted maps, [b,2N] → [b]: the N images' maps of the first
            method, then of the second; where one method is looked at, the other has weight 0.
        images: N.
        identical: as for `compare_means`.
        seed: of the resamples and swaps.
        resamples: of the interval.
        flips: swaps of the permutation test.
        level: of the interval.

    Returns:
        A comparison without wins, ties, losses (0) and smallest difference (None): no image has a
        value of its own.
    """

    def difference(weights: Floats) -> Floats:
        none = np.zeros_like(weights)
        of_first = np.asarray(aggregate(np.hstack([weights, none])))
        return of_first - np.asarray(aggregate(np.hstack([none, weights])))

    interval = interval_of(difference, images, seed, resamples, level)
    able = interval.estimate is not None and not identical and images > 1
    p = swap_p(aggregate, images, seed, flips) if able else None
    test = None if p is None else "swap"
    return Comparison(interval, p, test, None, 0, 0, 0, None, identical)


def _compared(
    sums: Floats,
    counts: Floats,
    interval: Interval,
    flipped: float,
    direction: Direction,
    identical: bool,
    yes_no: bool,
) -> Comparison:
    better = sums > 0 if direction == "more" else sums < 0
    wins = int(better.sum())
    losses = int((sums != 0).sum()) - wins
    p, test = None, None
    if not identical and interval.images:
        p, test = flipped, "exact sign-flip" if wins + losses <= EXACT_UP_TO else "sign-flip"
        if yes_no and counts.max() == 1:
            p, test = mcnemar_p(wins, losses), "McNemar"
    return Comparison(
        difference=interval,
        p=p,
        test=test,
        sign_flip_p=None if p is None else flipped,
        wins=wins,
        ties=interval.images - wins - losses,
        losses=losses,
        smallest=smallest_difference(sums, counts),
        identical=identical,
    )


def _differences(first: ArrayLike, second: ArrayLike, columns: int) -> Floats:
    """First less second [R,C], NaN where one of them has no value."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != columns:
        raise ValueError(f"{a.shape} and {b.shape} rows and columns, {columns} directions")
    both = np.isfinite(a) & np.isfinite(b)
    return np.where(both, a, np.nan) - np.where(both, b, np.nan)


def _by_column(given: ArrayLike | None, columns: int) -> list[bool]:
    every = np.broadcast_to(np.asarray(False if given is None else given, bool), columns)
    return [bool(one) for one in every]
