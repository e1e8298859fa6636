"""The standard error against hand-worked numbers and a plain loop, and of what it is told."""

import numpy as np
import pytest
import reference
import tensorflow as tf

from sgcampp.explain.jackknife import at_the_peak_of, relative_error, standard_error


def se_of(values, groups, estimate=np.mean):
    """By the product's formula, of one pixel."""
    values = np.asarray(values, float)
    number = np.arange(1, len(values) + 1) % groups
    without = [estimate(values[number != j]) for j in range(groups)]
    counts = np.bincount(number, minlength=groups)
    return standard_error(
        tf.constant(estimate(values), tf.float64, (1, 1, 1)),
        tf.constant(without, tf.float64, (1, groups, 1, 1)),
        tf.constant(counts[None], tf.float64),
    ).numpy()[0, 0, 0]


def test_of_a_mean_it_is_the_textbook_s():
    """Of 2, 4, 4, 6 the mean is 4, the sample variance 8/3, and the mean's error sqrt(8/3/4)."""
    assert se_of([2, 4, 4, 6], 4) == pytest.approx((2 / 3) ** 0.5, rel=1e-12)


def test_of_groups_of_equal_size_it_is_the_spread_of_their_means():
    """Samples 1 … 4 in two groups, (4, 2) and (6, 8): means 3 and 7 around 5, each of 2."""
    assert se_of([6, 4, 8, 2], 2) == pytest.approx((((3 - 5) ** 2 + (7 - 5) ** 2) / 2) ** 0.5)


def test_of_groups_of_unequal_size_by_hand():
    """Of 3, 0, 6 in two groups, (3, 6) and (0): n = 3, mean 3, h = 3/2 and 3.

    Pseudo-values are the groups' means, 4.5 and 0; variance (1.5^2 / (1/2) + 3^2 / 2) / 2 = 4.5.
    """
    assert se_of([3, 0, 6], 2) == pytest.approx(4.5**0.5, rel=1e-12)


def test_of_a_square_the_bias_counts():
    """The square of the mean of 0, 2, 4, 6 is 9, too large by s²/n = 20/3/4 = 5/3 on average.

    Without one number: 16, 100/9, 64/9, 4; pseudo-values 36 - 3 × each, -12, 8/3, 44/3, 24, around
    22/3 = 9 - 5/3.
    """
    values = [0, 2, 4, 6]
    variance = sum((v - 22 / 3) ** 2 for v in (-12, 8 / 3, 44 / 3, 24)) / 4 / 3
    wanted = (variance + (5 / 3) ** 2) ** 0.5
    assert se_of(values, 4, lambda of: np.mean(of) ** 2) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(("n", "groups"), [(4, 4), (13, 10), (25, 10), (29, 7)])
def test_of_a_ratio_it_is_the_reference_s(n, groups):
    values = np.random.default_rng(n).uniform(1, 2, n)

    def estimate(chosen):
        return np.mean(chosen**3) / np.mean(chosen)

    wanted = reference.standard_error(n, groups, lambda m: estimate(values[np.array(m) - 1]))
    assert se_of(values, groups, estimate) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize(("n", "groups"), [(20, 10), (25, 10), (14, 10)])
def test_on_average_its_square_is_the_variance_of_a_mean(n, groups):
    """Over many draws of n standard normal numbers, 1/n, whether the groups are equal or not."""
    rng = np.random.default_rng(0)
    squares = [se_of(rng.normal(size=n), groups) ** 2 for _ in range(400)]
    assert np.mean(squares) == pytest.approx(1 / n, rel=0.1)


def test_maps_are_brought_to_one_maximum():
    """(2, 4) and (1, 0) at the maximum 8; of nothing nothing is made."""
    whole = tf.constant([[[8.0, 1.0]], [[0.0, 0.0]]])
    maps = tf.constant([[[[2.0, 4.0]], [[1.0, 0.0]], [[0.0, 0.0]]]] * 2)
    got = at_the_peak_of(whole, maps).numpy()
    np.testing.assert_array_equal(got[0, :, 0], [[4, 8], [8, 0], [0, 0]])
    np.testing.assert_array_equal(got[1], maps[1])


def test_relative_to_the_maximum():
    se, L = tf.constant([[[3.0, 4.0]], [[1.0, 1.0]]]), tf.constant([[[5.0, 2.0]], [[0.0, 0.0]]])
    one, flat = relative_error(se, L).numpy()
    assert one == pytest.approx(12.5**0.5 / 5)
    assert np.isnan(flat)
