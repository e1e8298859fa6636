"""Holm's adjustment and the words."""

import pytest

from sgcampp.statistics.intervals import Interval
from sgcampp.statistics.verdicts import VERDICTS, holm, verdict


def test_holm_by_hand():
    """.01, .04, .03, .005 of four: .005 · 4, .01 · 3, .03 · 2, and .04 · 1 raised to .06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_leaves_out_what_was_not_tested():
    """Two tests: .02 · 2 and .03 · 1 raised to .04."""
    assert holm([None, 0.03, None, 0.02]) == [None, 0.04, None, 0.04]
    assert holm([]) == [] and holm([None]) == [None]


def test_holm_is_at_most_one_and_keeps_ties_equal():
    assert holm([0.5, 0.5, 0.9]) == [1, 1, 1]
    assert holm([0.01, 0.01]) == [0.02, 0.02]


def interval(low, high):
    return Interval((low + high) / 2, low, high, 50)


@pytest.mark.parametrize(
    "low, high, p, direction, expected",
    [
        (1, 3, 0.01, "more", "better"),
        (1, 3, 0.01, "less", "worse"),
        (-3, -1, 0.01, "more", "worse"),
        (-3, -1, 0.01, "less", "better"),
        (1, 3, 0.05, "more", "no difference shown"),  # p must be below
        (-1, 3, 0.01, "more", "no difference shown"),
        (0, 3, 0.01, "more", "no difference shown"),
        (-3, 0, 0.01, "less", "no difference shown"),
        (1, 3, None, "more", "no difference shown"),
    ],
)
def test_words_of_a_difference(low, high, p, direction, expected):
    assert verdict(interval(low, high), p, direction) == expected
    assert verdict(interval(low, high), p, direction, above_random=True) == expected


def test_what_goes_before_the_difference():
    clear = interval(1, 3)
    assert verdict(clear, 0.001, "more", above_random=False) == "not above ref_random"
    assert verdict(clear, 0.001, "less", above_random=False) == "not above ref_random"
    assert verdict(clear, None, "more", identical=True, above_random=False) == "identical"


def test_no_interval_shows_nothing():
    one_image = Interval(2.0, None, None, 1, "one image")
    assert verdict(one_image, 0.001, "more") == "no difference shown"


def test_the_words():
    assert VERDICTS == (
        "better",
        "worse",
        "no difference shown",
        "identical",
        "not above ref_random",
    )
