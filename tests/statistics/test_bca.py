"""The pieces of BCa in closed form, by hand and against SciPy."""

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from sgcampp.statistics.bca import acceleration_of, bca_ends, bca_probabilities, bias_of


def test_the_acceleration_by_hand():
    """Values 0, 0, 3: mean 1; without one of them 1.5, 1.5, 0; d = -.5, -.5, 1.

    Σ d³ = .75, Σ d² = 1.5, a = .75 / (6 · 1.5^1.5).
    """
    left_out = np.array([[1.5], [1.5], [0.0]])
    assert acceleration_of(left_out, np.ones(1))[0] == pytest.approx(
        0.75 / (6 * 1.5**1.5), rel=1e-14
    )
    assert acceleration_of(left_out * 1e-200, np.full(1, 1e-200))[0] == pytest.approx(
        0.06804138174397717, rel=1e-12
    )
    assert acceleration_of(np.full((3, 1), 0.1), np.ones(1)).tolist() == [0]


def test_the_bias_counts_ties_half():
    """Of 8 values 3 are below, 2 equal to rounding: (3 + 5)/16 = .5; of 4, 1 below: .25."""
    resampled = np.array([[-1, -2, -1, 1e-14, -1e-14, 1, 2, 3], [-1, 1, 1, 1] * 2]).T
    found = bias_of(resampled, np.ones(2))
    assert found[0] == 0
    assert found[1] == pytest.approx(-0.6744897501960817)
    assert bias_of(np.ones((5, 1)), np.ones(1))[0] == -np.inf


def test_the_probabilities_without_widening_are_efrons():
    """At n → ∞ and z0 = .1, a = .05: Φ(.1 + (.1 ± 1.96)/(1 − .05 (.1 ± 1.96)))."""
    found = bca_probabilities(np.array([0.1]), np.array([0.05]), 10**9, 0.95)
    z = norm.ppf(0.975)
    expected = [norm.cdf(0.1 + (0.1 + s) / (1 - 0.05 * (0.1 + s))) for s in (-z, z)]
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-8)


def test_the_widening_by_hand():
    """Without bias and skew, n = 30: Φ(√(30/29) t), t = 2.0452 of 29 degrees: .98133."""
    low, high = bca_probabilities(np.zeros(1), np.zeros(1), 30, 0.95)[:, 0]
    assert high == pytest.approx(norm.cdf(1.0170952554312156 * 2.045229642132703), abs=1e-12)
    assert low == pytest.approx(1 - high)
    n = [10, 300]
    high = bca_probabilities(np.zeros(2), np.zeros(2), n, 0.95)[1]
    widths = norm.ppf(high) / norm.ppf(0.975)
    expected = [np.sqrt(m / (m - 1)) * student.ppf(0.975, m - 1) / norm.ppf(0.975) for m in n]
    np.testing.assert_allclose(widths, expected, rtol=1e-9)


def test_beyond_the_pole_the_end_is_the_last_value():
    """Two images: z = 18, so 1 − a z is negative at a = .15, where the formula turns round."""
    low, high = bca_probabilities(np.zeros(1), np.array([0.15]), 2, 0.95)[:, 0]
    assert high == 1
    assert 0 <= low < 1e-5


def test_one_sided_resamples_give_percentiles_around_the_estimate():
    resampled = np.arange(1.0, 102)[:, None]
    left_out = np.array([[0.0], [5.0]] * 500)
    ends, one_sided = bca_ends(resampled, left_out, np.ones(1), 10**6, 0.95)
    assert one_sided.tolist() == [True]
    assert ends[:, 0] == pytest.approx([0, 98.5], abs=1e-3)


def test_ends_are_interpolated():
    """Values 0…100 less 50, no bias: the 2.5 % quantile is −47.5."""
    resampled = np.arange(-50.0, 51)[::-1, None].copy()
    left_out = np.array([[-1.0], [1.0]])
    ends, _ = bca_ends(resampled, left_out, np.ones(1), 10**9, 0.95)
    assert ends[:, 0] == pytest.approx([-47.5, 47.5], abs=1e-6)
