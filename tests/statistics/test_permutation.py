"""Permutation tests by enumeration, McNemar and the smallest difference by hand."""

import itertools

import numpy as np
import pytest
from scipy.stats import nct, permutation_test, t, ttest_rel

from sgcampp.statistics import permutation
from sgcampp.statistics.permutation import mcnemar_p, sign_flip_p, smallest_difference, swap_p


def test_three_differences_by_hand():
    """1, 2, 4: only + + + and − − − reach 7 of 8 flips; with 1, 2, −3 all reach 0."""
    assert sign_flip_p(np.array([[1.0], [2], [4]])) == [2 / 8]
    assert sign_flip_p(np.array([[1.0], [2], [-3]])) == [1.0]
    # 1, 2, −4: sums of at least 1 away from 0 are all eight (±7, ±5, ±3, ±1).
    assert sign_flip_p(np.array([[1.0], [2], [-4]])) == [1.0]
    # 5, 2, −1: |sum| ≥ 6 are ±(5 + 2 + 1) and ±(5 + 2 − 1).
    assert sign_flip_p(np.array([[5.0], [2], [-1]])) == [4 / 8]


def test_small_samples_are_enumerated():
    d = np.random.default_rng(0).normal(0.5, 1, 9)
    flips = [np.dot(signs, d) for signs in itertools.product([1, -1], repeat=9)]
    expected = np.mean(np.abs(flips) >= abs(d.sum()) - 1e-9)
    assert sign_flip_p(d[:, None]) == [expected]
    of_scipy = permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_p(d[:, None])[0] == pytest.approx(of_scipy.pvalue)


def test_ties_of_rounding_count():
    """.1 + .2 − .3 is not 0 in floats; the flip of all signs must still be as far as itself."""
    d = np.array([0.1, 0.2, -0.3, 0.7, 1.1])
    exact = np.array([1.0, 2, -3, 7, 11])
    assert sign_flip_p(d[:, None]) == sign_flip_p(exact[:, None])


def test_images_without_a_difference_do_not_matter():
    d = np.array([[1.0], [2], [4]] + [[0.0]] * 40)
    assert sign_flip_p(d) == [0.25]
    assert sign_flip_p(np.zeros((7, 2))) == [1.0, 1.0]


def test_many_images_are_sampled_and_never_zero(monkeypatch):
    d = np.random.default_rng(0).normal(0.4, 1, (13, 3))
    monkeypatch.setattr(permutation, "EXACT_UP_TO", 13)
    exact = sign_flip_p(d)
    monkeypatch.undo()
    assert sign_flip_p(d, seed=1) == pytest.approx(exact, abs=0.015)
    assert sign_flip_p(np.ones((100, 1)), flips=99) == [1 / 100]
    assert sign_flip_p(d, seed=1) == sign_flip_p(d, seed=1) != sign_flip_p(d, seed=2)


def test_a_large_sample_agrees_with_the_t_test():
    d = np.random.default_rng(3).normal(0.1, 1, 400)
    assert sign_flip_p(d[:, None])[0] == pytest.approx(ttest_rel(d, 0 * d).pvalue, abs=0.01)


def test_mcnemar_by_hand():
    """6 against 1 of 7: 2 · (C(7,0) + C(7,1)) / 2^7 = 16/128; evenly split or nothing: 1."""
    assert mcnemar_p(6, 1) == pytest.approx(0.125)
    assert mcnemar_p(1, 6) == pytest.approx(0.125)
    assert mcnemar_p(10, 0) == pytest.approx(2 / 1024)
    assert mcnemar_p(4, 4) == mcnemar_p(0, 0) == 1


def test_mcnemar_is_the_exact_sign_flip_of_yes_and_no():
    d = np.array([[1.0]] * 7 + [[-1.0]] * 3 + [[0.0]] * 5)
    assert sign_flip_p(d)[0] == pytest.approx(mcnemar_p(7, 3))


def test_the_smallest_difference_by_hand():
    """−1, 1, 3, 5: mean 2, s² = (9 + 1 + 1 + 9)/3; n = 4: (3.1824 + .97847) · s/2."""
    found = smallest_difference([-1, 1, 3, 5], np.ones(4))
    assert found == pytest.approx((3.182446305 + 0.978472312) * np.sqrt(20 / 3) / 2, rel=1e-8)


def test_the_smallest_difference_of_images_with_several_rows():
    """Two rows each, alike: as one row each."""
    d = np.array([-1.0, 1, 3, 5])
    assert smallest_difference(2 * d, np.full(4, 2)) == pytest.approx(
        smallest_difference(d, np.ones(4))
    )
    assert smallest_difference([*d, 0], [1, 1, 1, 1, 0]) == smallest_difference(d, np.ones(4))


@pytest.mark.parametrize("d, counts", [([], []), ([3], [1]), ([0, 0], [1, 1]), ([2, 4], [1, 2])])
def test_no_smallest_difference_without_spread(d, counts):
    assert smallest_difference(d, counts) is None


@pytest.mark.parametrize("n, off", [(5, 0.01), (10, 0.002), (30, 0.0005), (100, 0.0005)])
def test_the_smallest_difference_has_a_power_of_80_percent(n, off):
    """Normal differences of s = 1, by the noncentral t that ours does without."""
    smallest = (t.ppf(0.975, n - 1) + t.ppf(0.8, n - 1)) / np.sqrt(n)
    power = nct.sf(t.ppf(0.975, n - 1), n - 1, smallest * np.sqrt(n))
    assert power == pytest.approx(0.8, abs=off)


def test_swaps_of_a_mean_are_sign_flips():
    rng = np.random.default_rng(0)
    a, b = rng.random(20), rng.random(20) + 0.1

    def mean(weights):
        return weights @ np.concatenate([a, b]) / weights.sum(1)

    assert swap_p(mean, 20) == pytest.approx(sign_flip_p((a - b)[:, None])[0], abs=0.015)
    assert swap_p(lambda w: np.full(len(w), np.nan), 20) is None
    assert swap_p(lambda w: np.zeros(len(w)), 20) == 1
