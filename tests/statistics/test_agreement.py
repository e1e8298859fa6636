"""Spearman between metrics."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from sgcampp.statistics.agreement import spearman


def test_by_hand_without_ties():
    """Ranks 1 2 3 4 5 and 2 1 4 3 5: Σd² = 4, 1 − 6·4/(5·24) = .8."""
    found = spearman([[10, 2], [20, 1], [30, 4], [40, 3], [50, 5]])
    assert found == [[1, pytest.approx(0.8)], [pytest.approx(0.8), 1]]


def test_by_hand_with_ties():
    """Ranks 1 2.5 2.5 4 and 1 2 3 4: covariance 4.5, √(4.5 · 5): .948683."""
    found = spearman([[1, 1], [2, 2], [2, 3], [7, 4]])
    assert found[0][1] == pytest.approx(4.5 / np.sqrt(4.5 * 5))


def test_as_scipy():
    values = np.round(np.random.default_rng(0).normal(size=(200, 4)), 1)
    values[:, 3] -= values[:, 0]
    np.testing.assert_allclose(spearman(values), spearmanr(values).statistic, atol=1e-12)


def test_missing_values_leave_out_the_row_for_that_pair_alone():
    values = np.random.default_rng(0).random((50, 3))
    full = spearman(values)
    values[::4, 2] = np.nan
    values[1, 2] = np.inf
    found = spearman(values)
    assert found[0][1] == full[0][1]
    rest = values[np.isfinite(values[:, 2])]
    assert found[0][2] == pytest.approx(spearmanr(rest[:, [0, 2]]).statistic)


def test_constant_or_few_have_none():
    values = np.array([[1, 5, np.nan], [2, 5, 1], [3, 5, 2], [4, 5, np.nan]])
    assert spearman(values) == [[1, None, None], [None, None, None], [None, None, None]]
    assert spearman(values[:2]) == [[None] * 3] * 3
    assert spearman(np.zeros((0, 2))) == [[None, None], [None, None]]


def test_constant_where_both_have_a_value():
    values = [[1, 1], [1, 2], [1, 3], [2, np.nan]]
    assert spearman(values)[0][1] is None
