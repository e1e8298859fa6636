"""Numbers as an evaluation's table and sentences write them."""

from collections.abc import Sequence

from sgcampp.statistics.digits import decimals_of, fixed
from sgcampp.statistics.intervals import Interval


def mean_of(interval: Interval, sign: str = "", gap: str = "") -> str:
    """An estimate and half the width of its interval, such as `25.5 ±4.2`; "" if there is none."""
    if interval.estimate is None:
        return ""
    if interval.low is None or interval.high is None:
        return fixed(interval.estimate, decimals_of(interval.estimate, 3), sign)
    half = (interval.high - interval.low) / 2
    decimals = decimals_of(half, 2) if half else decimals_of(interval.estimate, 3)
    estimate = fixed(interval.estimate, decimals, sign)
    return f"{estimate} ±{gap}{fixed(half, decimals)}"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def counted(count: int, noun: str) -> str:
    """`1 image`, `2 images`, `10,000 images`."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
