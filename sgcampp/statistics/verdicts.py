"""What the numbers of a family of comparisons say, in words."""

from collections.abc import Sequence
from typing import Literal, get_args

from sgcampp.statistics.intervals import Interval
from sgcampp.statistics.paired import Direction

Verdict = Literal["better", "worse", "no difference shown", "identical", "not above ref_random"]

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

ALPHA = 0.05


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's (1979) adjusted p of a family: at p < .05 none of it is wrong in 95 of 100 families.

    The i-th smallest of m is max over j ≤ i of min(1, (m − j + 1) p_(j)).

    Args:
        p_values: None where there was no test; it stays None and m does not count it.

    Returns:
        The adjusted p, in the order given.
    """
    tested = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, i) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        adjusted[i] = largest
    return adjusted


def verdict(
    difference: Interval,
    p_holm: float | None,
    direction: Direction,
    identical: bool = False,
    above_random: bool | None = None,
) -> Verdict:
    """The word for one comparison: the first of these that holds.

    1. `identical`: the two methods' maps are one map, so there is nothing to test;
    2. `not above ref_random`: the first method is not shown to be better than random maps in this
       metric, whatever the other method does;
    3. `better`, `worse`: Holm's p is below .05, and the whole interval of the difference lies on
       the better, or the worse, side of 0 (an end at 0 is not beside it);
    4. `no difference shown`: anything else, also where there are no images, no interval or no p.
       It does not say that there is none: see the smallest difference that could be shown.

    Args:
        difference: of the first method less the second.
        p_holm: adjusted for the family of comparisons shown together, or None.
        direction: `more` or `less`, whichever is better.
        identical: whether each row's two maps are one.
        above_random: whether this function calls the first method `better` than ref_random; None
            if that is not asked (one of the two is ref_random itself, or there is none).
    """
    if identical:
        return "identical"
    if above_random is False:
        return "not above ref_random"
    low, high = difference.low, difference.high
    if p_holm is None or not p_holm < ALPHA or low is None or high is None:
        return "no difference shown"
    if low <= 0 <= high:
        return "no difference shown"
    return "better" if (low > 0) == (direction == "more") else "worse"
