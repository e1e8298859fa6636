"""How numbers, intervals and verdicts read on the page of an evaluation."""

from math import ceil, floor, log10
from typing import TYPE_CHECKING

from sgcampp.statistics.digits import decimals_of, fixed

if TYPE_CHECKING:
    from sgcampp.statistics.intervals import Interval

NONE = "–"
MOST_TICK_DECIMALS = 5

ARROWS = {"more": "↑", "less": "↓", "": ""}
MARKS = {
    "better": "▲",
    "worse": "▼",
    "no difference shown": "○",
    "identical": "=",
    "not above ref_random": "✕",
}
"""Verdicts do not differ by colour alone."""


def number(value: float | None) -> str:
    """Four digits that count, and never more."""
    return NONE if value is None else _signed(f"{value:.4g}")


def interval(one: "Interval") -> str:
    """An estimate with its interval, to the second digit of the half-width; or the estimate."""
    if one.estimate is None or one.low is None or one.high is None:
        return number(one.estimate)
    if one.low == one.high:
        return f"{number(one.estimate)} ± 0"
    places = decimals_of((one.high - one.low) / 2, 2)
    estimate, low, high = (fixed(x, places) for x in (one.estimate, one.low, one.high))
    return f"{estimate} [{low}, {high}]"


def probability(p: float | None) -> str:
    """A p-value for people."""
    if p is None:
        return NONE
    return "< .0001" if p < 1e-4 else f"{p:.4f}"


def correlation(rho: float | None) -> str:
    """With its sign, as tables of correlations have it."""
    return NONE if rho is None else _signed(f"{round(rho, 2) + 0.0:+.2f}")


def ticks(low: float, high: float, about: int = 6) -> list[tuple[float, str]]:
    """Round numbers within a range and their words: multiples of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / about
    power = 10.0 ** floor(log10(raw))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= raw * (1 - 1e-9))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    values = [k * step + 0.0 for k in range(first, last + 1)]
    places = max(0, -floor(log10(step) + 1e-9))
    is_plain = places <= MOST_TICK_DECIMALS and max(map(abs, values)) < 1e6
    return [(value, fixed(value, places) if is_plain else number(value)) for value in values]


def _signed(text: str) -> str:
    return text.replace("-", "−")  # the minus sign, as wide as a digit
