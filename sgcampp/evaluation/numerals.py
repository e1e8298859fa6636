"""Numbers as an evaluation's table and sentences write them."""

import math
from collections.abc import Sequence

from sgcampp.statistics.intervals import Interval

MOST_DECIMALS = 6


def decimals_of(value: float, digits: int) -> int:
    """The decimals that show so many significant digits of a number."""
    if value == 0:
        return 0
    shown = digits - 1 - math.floor(math.log10(abs(value)))
    return min(max(shown, 0), MOST_DECIMALS)


def number(value: float, decimals: int, sign: str = "") -> str:
    """With a real minus, which zero never has; `sign` "+" gives the others a plus."""
    text = f"{abs(value):.{decimals}f}"
    if float(text) == 0:
        return text
    return f"{'−' if value < 0 else sign}{text}"


def mean_of(interval: Interval, sign: str = "", gap: str = "") -> str:
    """An estimate and half the width of its interval, such as `25.5 ±4.2`; "" if there is none."""
    if interval.estimate is None:
        return ""
    if interval.low is None or interval.high is None:
        return number(interval.estimate, decimals_of(interval.estimate, 3), sign)
    half = (interval.high - interval.low) / 2
    decimals = decimals_of(half, 2) if half else decimals_of(interval.estimate, 3)
    estimate = number(interval.estimate, decimals, sign)
    return f"{estimate} ±{gap}{number(half, decimals)}"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def counted(count: int, noun: str) -> str:
    """`1 image`, `2 images`, `10,000 images`."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
