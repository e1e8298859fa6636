"""Digits that are shown."""

import pytest

from sgcampp.statistics.digits import decimals_of, fixed


@pytest.mark.parametrize(
    ("value", "digits", "decimals"),
    [(0.19, 2, 2), (0.0043, 2, 4), (4.2, 2, 1), (12.0, 2, 0), (-1234.0, 3, 0), (0, 3, 0)],
)
def test_decimals(value, digits, decimals):
    assert decimals_of(value, digits) == decimals


def test_no_number_has_too_many_decimals():
    assert fixed(1e-12, decimals_of(1e-12, 2)) == "0.000000"


def test_minus_is_no_hyphen_and_zero_has_none():
    assert [fixed(value, 1, "+") for value in (-1.25, 1.26, -0.01, 0)] == [
        *("−1.2", "+1.3", "0.0", "0.0")
    ]
