"""Means and other statistics with intervals: against SciPy, by hand, and where there is little."""

import dataclasses
import resource
import time

import numpy as np
import pytest
from scipy.stats import bootstrap, norm
from scipy.stats import t as student

from sgcampp.statistics.intervals import Interval, interval_of, mean_intervals


def unwidened(n):
    """The level at which our interval of n images has the z of a plain 95 % BCa interval."""
    z = norm.ppf(0.975) * np.sqrt((n - 1) / n)
    return 2 * student.cdf(z, n - 1) - 1


def test_students_interval_by_hand():
    """1, 3, 5: mean 3, s = 2, t = 4.302653 of 2 degrees: 3 ± 4.302653 · 2/√3."""
    half = 4.302652729911275 * 2 / np.sqrt(3)
    found = mean_intervals([[1.0], [3], [5]], kind="student")[0]
    assert [found.low, found.estimate, found.high] == pytest.approx([3 - half, 3, 3 + half])
    assert mean_intervals([[4.0], [4]], kind="student")[0] == Interval(4, 4, 4, 2, "constant")
    assert mean_intervals([[4.0]], kind="student")[0] == Interval(4, None, None, 1, "one image")


def test_students_interval_of_unequal_images():
    """Sums 2, 3, 10 of 2, 1, 2 rows: mean 3; residuals −4, 0, 4; error √(3/2 · 32)/5."""
    found = mean_intervals([[1.0], [1], [3], [5], [5]], list("aabcc"), kind="student")[0]
    half = 4.302652729911275 * np.sqrt(48) / 5
    assert [found.low, found.estimate, found.high] == pytest.approx([3 - half, 3, 3 + half])


@pytest.mark.parametrize("n", [12, 40, 300])
def test_the_mean_has_scipys_interval(n):
    """Skewed data; the ends of 40,000 resamples differ by about 1 % of the width."""
    x = np.random.default_rng(n).gamma(0.7, 2, n)
    ours = mean_intervals(x[:, None], resamples=39_999, level=unwidened(n))[0]
    theirs = bootstrap((x,), np.mean, n_resamples=39_999, method="BCa", rng=1)
    low, high = theirs.confidence_interval
    assert ours.estimate == pytest.approx(x.mean(), rel=1e-14)
    assert [ours.low, ours.high] == pytest.approx([low, high], abs=0.02 * (high - low))
    assert (ours.images, ours.reason) == (n, None)


def test_a_general_statistic_has_scipys_interval():
    """The standard deviation as a function of weights."""
    x = np.random.default_rng(0).gamma(2, 1, 60)

    def deviation(weights):
        mean = weights @ x / weights.sum(1)
        return np.sqrt(weights @ x**2 / weights.sum(1) - mean**2)

    ours = interval_of(deviation, 60, resamples=39_999, level=unwidened(60))
    theirs = bootstrap((x,), np.std, n_resamples=39_999, method="BCa", rng=1)
    low, high = theirs.confidence_interval
    assert ours.estimate == pytest.approx(x.std())
    assert [ours.low, ours.high] == pytest.approx([low, high], abs=0.02 * (high - low))


def test_the_mean_as_a_general_statistic_is_the_mean():
    x = np.random.default_rng(0).exponential(size=(50, 1))
    general = interval_of(lambda weights: weights @ x[:, 0] / weights.sum(1), 50)
    closed = mean_intervals(x)[0]
    for name in ("estimate", "low", "high"):
        assert getattr(general, name) == pytest.approx(getattr(closed, name), rel=1e-12)


def test_rows_of_an_image_are_drawn_together():
    """Each image's three rows are alike, so the interval is that of one row an image."""
    x = np.random.default_rng(0).random((40, 1))
    once = mean_intervals(x)[0]
    thrice = mean_intervals(np.repeat(x, 3, axis=0), images=np.repeat(np.arange(40), 3))[0]
    for name in ("estimate", "low", "high", "images"):
        assert getattr(thrice, name) == pytest.approx(getattr(once, name), rel=1e-12)
    as_rows = mean_intervals(np.repeat(x, 3, axis=0))[0]
    assert as_rows.high - as_rows.low < 0.65 * (once.high - once.low)


def test_an_image_with_more_rows_weighs_more():
    """(1 + 1 + 1 + 5)/4 = 2, not (1 + 5)/2."""
    found = mean_intervals([[1], [1], [1], [5]], images=["a", "a", "a", "b"])[0]
    assert found.estimate == 2
    assert (found.low, found.high) == (1, 5)


def test_missing_values_are_left_out():
    """Every fifth image has no value: the interval is near that of the others alone."""
    x = np.random.default_rng(0).random((200, 2))
    x[::5, 1] = np.nan
    both = mean_intervals(x)
    alone = mean_intervals(x[np.isfinite(x[:, 1]), 1:])[0]
    assert [one.images for one in both] == [200, 160]
    assert both[1].estimate == pytest.approx(alone.estimate, rel=1e-12)
    width = alone.high - alone.low
    assert [both[1].low, both[1].high] == pytest.approx([alone.low, alone.high], abs=0.05 * width)


def test_a_column_with_few_values_is_resampled_among_those():
    x = np.full((500, 2), np.nan)
    x[:, 0] = np.random.default_rng(0).random(500)
    x[:9, 1] = x[:9, 0]
    assert mean_intervals(x)[1] == mean_intervals(x[:9, :1])[0]


@pytest.mark.parametrize(
    "column, expected",
    [
        ([], Interval(None, None, None, 0, "no values")),
        ([np.nan, np.nan], Interval(None, None, None, 0, "no values")),
        ([np.nan, 3.0], Interval(3.0, None, None, 1, "one image")),
        ([2.5, 2.5, 2.5], Interval(2.5, 2.5, 2.5, 3, "constant")),
        ([0, 0, 0, np.inf], Interval(0, 0, 0, 3, "constant")),
        ([1.0, 3.0], Interval(2.0, 1.0, 3.0, 2, None)),
    ],
)
def test_little_gives_a_value_or_a_reason(column, expected):
    assert mean_intervals(np.reshape(column, (-1, 1)))[0] == expected


def test_values_equal_up_to_rounding_are_constant():
    found = mean_intervals(np.full((30, 1), 0.1))[0]
    assert found.reason == "constant"
    assert found.low == found.high == pytest.approx(0.1)


def test_images_alike_in_their_means_are_constant():
    found = mean_intervals([[0], [1], [1], [0]], images=[5, 5, 6, 6])[0]
    assert found == Interval(0.5, 0.5, 0.5, 2, "constant")


def test_a_rare_yes_has_an_interval_that_holds_it():
    x = np.zeros((100, 1))
    x[7] = 1
    found = mean_intervals(x)[0]
    assert 0 <= found.low < found.estimate == 0.01 < found.high < 0.1


def test_general_statistics_with_little():
    def nan(weights):
        return np.full(len(weights), np.nan)

    def seldom(weights):
        return np.where((weights == 1).all(1), 1.0, np.nan)

    def best(weights):
        return (weights > 0).sum(1).astype(float)

    def same(weights):
        return np.full(len(weights), 4.0)

    assert interval_of(nan, 0).reason == "no values"
    assert interval_of(nan, 5) == Interval(None, None, None, 5, "undefined")
    assert interval_of(seldom, 20) == Interval(1.0, None, None, 20, "undefined")
    assert interval_of(same, 1) == Interval(4.0, None, None, 1, "one image")
    assert interval_of(same, 3) == Interval(4.0, 4.0, 4.0, 3, "constant")
    onesided = interval_of(best, 30)
    assert onesided.reason == "one-sided"
    assert onesided.low < onesided.estimate == onesided.high == 30


def test_the_best_threshold_is_chosen_inside_each_resample():
    """Hits at two thresholds that are right in turn: the best is 1/2 of the images by chance.

    A resample's own best is above 1/2, so an interval around the threshold chosen once is lower.
    """
    hits = np.tile(np.eye(2), (25, 1))
    inside = interval_of(lambda weights: (weights @ hits).max(1) / weights.sum(1), 50)
    assert inside.estimate == 0.5
    assert inside.low <= 0.5 <= inside.high


def test_the_same_seed_gives_the_same_interval():
    x = np.random.default_rng(0).random((50, 3))
    assert mean_intervals(x, seed=5) == mean_intervals(x, seed=5)
    assert mean_intervals(x, seed=5) != mean_intervals(x, seed=6)
    assert mean_intervals(x[:, :1], seed=5)[0] == mean_intervals(x[:, [0, 0]], seed=5)[1]


def test_fields_are_plain():
    found = dataclasses.asdict(mean_intervals(np.random.default_rng(0).random((9, 1)))[0])
    assert {name: type(value) for name, value in found.items()} == {
        "estimate": float,
        "low": float,
        "high": float,
        "images": int,
        "reason": type(None),
    }


def test_ten_thousand_images_of_ninety_columns():
    """All means of 6 maps × 15 metrics: seconds, and no [images, images] or [resamples, images]."""
    x = np.random.default_rng(0).random((10_000, 90))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    mean_intervals(x)
    assert time.perf_counter() - start < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB
