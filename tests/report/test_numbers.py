"""How numbers read on the page of an evaluation."""

import pytest

from sgcampp.report.numbers import correlation, interval, number, probability, ticks
from sgcampp.statistics.intervals import Interval


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (Interval(39.1234, 38.872, 39.374, 9), "39.12 [38.87, 39.37]"),
        (Interval(-0.12, -0.22, -0.02, 9), "−0.12 [−0.22, −0.02]"),
        (Interval(0.5, 0.5, 0.5, 9, "constant"), "0.5 ± 0"),
        (Interval(0.0, 0.0, 0.0, 9, "constant"), "0 ± 0"),
        (Interval(-0.0001, -0.4, 0.4, 9), "0.00 [−0.40, 0.40]"),
        (Interval(1234.5, 1000.0, 1500.0, 9), "1234 [1000, 1500]"),
        (Interval(0.123456, None, None, 1, "one image"), "0.1235"),
        (Interval(None, None, None, 0, "no values"), "–"),
        (Interval(1e-12, 0.0, 2e-12, 9), "0.000000 [0.000000, 0.000000]"),
    ],
)
def test_intervals_have_the_digits_that_they_are_worth(one, words):
    assert interval(one) == words


def test_single_numbers():
    assert [number(x) for x in (None, 12345.6, -0.5, 3)] == ["–", "1.235e+04", "−0.5", "3"]
    assert [probability(p) for p in (None, 0, 0.00009, 0.05)] == [
        "–",
        "< .0001",
        "< .0001",
        "0.0500",
    ]
    assert [correlation(r) for r in (None, -0.004, 0.415, -1)] == ["–", "+0.00", "+0.41", "−1.00"]


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-1.2, 3.1, ["−1", "0", "1", "2", "3"]),
        (0, 0.9, ["0.0", "0.2", "0.4", "0.6", "0.8"]),
        (-1, 1, ["−1.0", "−0.5", "0.0", "0.5", "1.0"]),
        (0, 5e-18, ["0", "1e−18", "2e−18", "3e−18", "4e−18", "5e−18"]),
        (0, 5e8, ["0", "1e+08", "2e+08", "3e+08", "4e+08", "5e+08"]),
    ],
)
def test_ticks_are_round(low, high, words):
    found = ticks(low, high)
    assert [word for _, word in found] == words
    assert all(low <= value <= high for value, _ in found)
