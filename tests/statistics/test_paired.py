"""Two methods on the same images."""

import dataclasses
import math

import numpy as np
import pytest

from sgcampp.statistics.intervals import Interval, mean_intervals
from sgcampp.statistics.paired import compare_aggregates, compare_means
from sgcampp.statistics.permutation import mcnemar_p, sign_flip_p, smallest_difference


def test_one_comparison_by_hand():
    """Drops of 5 images: differences −1, −2, −4, 0, −3; less is better.

    4 of 5 differ, all one way: p = 2/16. Mean −2.
    """
    first, second = np.array([[9, 8, 6, 7, 2.0], [10, 10, 10, 7, 5.0]])[..., None]
    found = compare_means(first, second, ["less"])[0]
    assert found.difference.estimate == -2
    assert -4 <= found.difference.low < -2 < found.difference.high <= 0
    assert (found.p, found.test, found.sign_flip_p) == (0.125, "exact sign-flip", 0.125)
    assert (found.wins, found.ties, found.losses) == (4, 1, 0)
    assert found.smallest == smallest_difference([-1, -2, -4, 0, -3], np.ones(5))
    assert found.identical is False


def test_columns_are_what_each_is_alone():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 40, 3))
    found = compare_means(first, second, ["more", "less", "more"], seed=4)
    assert [one.difference for one in found] == mean_intervals(first - second, seed=4)
    assert [one.p for one in found] == sign_flip_p(first - second, seed=4)
    assert [one.test for one in found] == ["sign-flip"] * 3
    for one, sign, d in zip(found, (1, -1, 1), (first - second).T, strict=True):
        assert (one.wins, one.losses) == ((sign * d > 0).sum(), (sign * d < 0).sum())


def test_only_rows_where_both_have_a_value_count():
    first = np.array([[1, np.nan, 3, 4, np.inf]]).T
    second = np.array([[0, 1, np.nan, 1, 1.0]]).T
    found = compare_means(first, second, ["more"])[0]
    assert found.difference.estimate == 2  # of 1 − 0 and 4 − 1
    assert found.difference.images == 2
    assert (found.wins, found.ties, found.losses) == (2, 0, 0)
    swapped = compare_means(second, first, ["more"])[0]
    assert swapped.difference.estimate == -2 and swapped.losses == 2


def test_images_flip_and_count_as_a_whole():
    """Images a (+1, +1), b (+3, −1), c (−1): sums 2, 2, −1; |sum| ≥ 3 in 4 of 8 flips."""
    first = np.array([[1, 1, 3, -1, -1.0]]).T
    found = compare_means(first, np.zeros((5, 1)), ["more"], images=["a", "a", "b", "b", "c"])[0]
    assert found.difference.estimate == 0.6
    assert found.difference.images == 3
    assert found.p == 0.5
    assert (found.wins, found.ties, found.losses) == (2, 0, 1)


def test_yes_no_metrics_are_tested_by_mcnemar():
    first = np.array([[1.0] * 16 + [0] * 2 + [1] * 7]).T
    second = np.array([[0.0] * 16 + [1] * 2 + [1] * 7]).T
    found = compare_means(first, second, ["more"], yes_no=True)[0]
    assert (found.p, found.test) == (mcnemar_p(16, 2), "McNemar")
    assert found.sign_flip_p == pytest.approx(found.p, abs=0.002)
    assert (found.wins, found.ties, found.losses) == (16, 7, 2)
    twice = compare_means(first, second, ["more"], images=np.arange(25) // 2, yes_no=[True])[0]
    assert twice.test == "exact sign-flip"  # McNemar's rows must be independent


def test_identical_maps_have_no_p():
    values = np.random.default_rng(0).random((20, 2))
    same, other = compare_means(values, values, ["more", "more"], identical=[True, False])
    assert (same.p, same.test, same.sign_flip_p, same.identical) == (None, None, None, True)
    assert same.difference == Interval(0, 0, 0, 20, "constant")
    assert (same.wins, same.ties, same.losses, same.smallest) == (0, 20, 0, None)
    assert (other.p, other.identical) == (1, False)  # other maps, equal values


@pytest.mark.parametrize(
    "first, images, reason, p",
    [([np.nan, np.nan], 0, "no values", None), ([3, np.nan], 1, "one image", 1.0)],
)
def test_little_has_a_reason(first, images, reason, p):
    found = compare_means(np.array([first]).T, np.zeros((2, 1)), ["more"], yes_no=images == 0)[0]
    assert (found.difference.images, found.difference.reason, found.p) == (images, reason, p)
    assert found.difference.low is None and found.smallest is None


def test_no_rows_at_all():
    found = compare_means(np.zeros((0, 1)), np.zeros((0, 1)), ["more"], yes_no=True)[0]
    assert found.difference == Interval(None, None, None, 0, "no values")
    assert (found.p, found.wins, found.ties, found.losses) == (None, 0, 0, 0)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="1 directions"):
        compare_means(np.zeros((3, 2)), np.zeros((3, 2)), ["more"])


def test_fields_are_plain_and_never_nan():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 30, 1))
    for found in compare_means(first, second, ["less"], yes_no=[False]):
        flat = dataclasses.asdict(found)
        flat |= flat.pop("difference")
        assert {type(v) for v in flat.values()} <= {float, int, str, bool, type(None)}
        assert not any(isinstance(v, float) and math.isnan(v) for v in flat.values())


def pooled(tables):
    """The best over thresholds of the share of hits, [2N,T] of two methods' maps."""

    def aggregate(weights):
        return (weights @ tables).max(1) / weights.sum(1)

    return aggregate


def test_aggregates_of_two_methods():
    """The first method hits at one threshold or another in 9 of 10 images, the second in 5."""
    rng = np.random.default_rng(0)
    first = rng.random((60, 4)) < [0.2, 0.5, 0.9, 0.4]
    second = rng.random((60, 4)) < [0.2, 0.3, 0.5, 0.4]
    tables = np.vstack([first, second]).astype(float)
    found = compare_aggregates(pooled(tables), 60)
    assert found.difference.estimate == first.mean(0).max() - second.mean(0).max()
    assert 0 < found.difference.low < found.difference.estimate < found.difference.high
    assert found.p < 0.005 and found.test == "swap"
    same = compare_aggregates(pooled(np.vstack([first, first]).astype(float)), 60, identical=True)
    assert same.p is None and same.difference.reason == "constant"


def test_aggregates_without_a_difference_are_not_called_so():
    rng = np.random.default_rng(1)
    low = 0
    for seed in range(200):
        tables = (rng.random((40, 3)) < 0.5).astype(float)
        low += compare_aggregates(pooled(tables), 20, seed=seed, resamples=99, flips=199).p < 0.05
    assert low <= 18  # 5 % of 200 is 10, standard deviation 3


def test_aggregates_of_one_image():
    found = compare_aggregates(pooled(np.ones((2, 3))), 1)
    assert (found.difference.reason, found.p) == ("one image", None)
