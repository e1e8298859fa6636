"""Numbers in words and tables."""

import pytest

from sgcampp.evaluation.numerals import counted, listed, mean_of
from sgcampp.statistics.intervals import Interval


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(25.51, 21.3, 29.7, 9), "25.5 ±4.2"),
        (Interval(-0.5, -0.69, -0.31, 9), "−0.50 ±0.19"),
        (Interval(50.0, 50.0, 50.0, 9, "constant"), "50.0 ±0.0"),
        (Interval(0.0, 0.0, 0.0, 9, "constant"), "0 ±0"),
        (Interval(1 / 3, None, None, 1, "one image"), "0.333"),
        (Interval(None, None, None, 0, "no values"), ""),
    ],
)
def test_a_mean(interval, text):
    assert mean_of(interval) == text


def test_words():
    assert [listed(list("abc"[:n])) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
    assert [counted(n, "image") for n in (0, 1, 12345)] == ["0 images", "1 image", "12,345 images"]
