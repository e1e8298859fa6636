"""Subset scanning against all subsets, p-values by counting, and an anomaly that is planted."""

from itertools import combinations

import numpy as np
import pytest

from sgcampp.errors import UserError
from sgcampp.explain.scanning import ScanSettings, least_images, p_values, scan


def kl(a, b):
    def term(x, y):
        return 0.0 if x == 0 else x * np.log(x / y)

    return term(a, b) + term(1 - a, 1 - b)


def by_definition(statistic, alpha, p):
    """φ(α, N_α, N) of one set of neurons, as the papers have it."""
    N, N_alpha = len(p), sum(p <= alpha)
    if N_alpha <= N * alpha:
        return 0.0
    if statistic == "berk_jones":
        return N * kl(N_alpha / N, alpha)
    return (N_alpha - N * alpha) / np.sqrt(N * alpha * (1 - alpha))


def over_all_subsets(p, statistic, alpha_max):
    """(score, subset) by trying every subset with every α that could matter."""
    thresholds = sorted({*(x for x in p if x <= alpha_max), alpha_max})
    best = 0.0, ()
    for size in range(1, len(p) + 1):
        for subset in combinations(range(len(p)), size):
            chosen = p[list(subset)]
            for alpha in thresholds:
                score = by_definition(statistic, alpha, chosen)
                if score > best[0] + 1e-12:
                    best = score, subset
    return best


@pytest.mark.parametrize("statistic", ["berk_jones", "higher_criticism"])
@pytest.mark.parametrize("alpha_max", [0.1, 0.5])
def test_no_subset_is_better_than_the_one_found(statistic, alpha_max):
    rng = np.random.default_rng(0)
    for n, neurons in ((9, 10), (99, 9), (19, 11)):  # few images: many equal p-values
        p = rng.integers(1, n + 2, neurons) / (n + 1)
        p[:3] = rng.integers(1, max(2, n // 5), 3) / (n + 1)
        found = scan(p, statistic, alpha_max)
        score, subset = over_all_subsets(p, statistic, alpha_max)
        assert found.score == pytest.approx(score, rel=1e-12)
        np.testing.assert_array_equal(np.flatnonzero(found.chosen), subset)
        assert found.alpha == p[found.chosen].max()


def test_fifteen_neurons_by_hand():
    """Five of .01 among fifteen: 5 log 100 = 23.03; a sixth of .04 would give 6 log 25 = 19.3."""
    p = np.array([0.01] * 5 + [0.04] + [0.5] * 9)
    found = scan(p, "berk_jones", 0.5)
    assert found.score == pytest.approx(5 * np.log(100))
    assert (found.alpha, found.chosen.sum()) == (0.01, 5)
    assert scan(p, "higher_criticism", 0.5).score == pytest.approx(np.sqrt(5 * 0.99 / 0.01))


def test_nothing_rare_gives_nothing():
    found = scan(np.full((2, 2, 3), 0.2), "berk_jones", 0.05)
    assert (found.score, found.alpha) == (0, 1)
    assert found.chosen.shape == (2, 2, 3) and not found.chosen.any()


def test_p_values_by_counting():
    """A background of 1, 2, 2, 5 against 2: three as high, three as low; against 9: none, four."""
    background, images = np.array([1, 2, 2, 5]), np.array([2, 9, 0])
    higher = (background >= images[:, None]).sum(1)
    lower = (background <= images[:, None]).sum(1)
    np.testing.assert_allclose(p_values(higher, lower, 4, "upper"), [4 / 5, 1 / 5, 1])
    np.testing.assert_allclose(p_values(higher, lower, 4, "both"), [1, 2 / 5, 2 / 5])
    # An image of the background is held against the three others.
    np.testing.assert_allclose(p_values(np.array([1]), np.array([4]), 4, "upper", own=True), 1 / 4)


@pytest.mark.parametrize("tail", ["upper", "both"])
def test_p_values_of_ordinary_images_are_uniform_at_most(tail):
    rng = np.random.default_rng(0)
    activations = np.maximum(rng.normal(size=(400, 300)), 0)  # as of a ReLU: many are equal
    background, images = activations[:200], activations[200:]
    higher = (background[:, None] >= images[None]).sum(0)
    lower = (background[:, None] <= images[None]).sum(0)
    p = p_values(higher, lower, 200, tail)
    for alpha in (0.01, 0.05, 0.2):
        assert (p <= alpha).mean() <= alpha * 1.1


def test_how_many_images_a_background_needs():
    """Of 19 images the rarest has 1/20; of both tails twice that counts."""
    assert least_images(ScanSettings("photos", alpha_max=0.05)) == 19
    assert least_images(ScanSettings("photos", tail="both", alpha_max=0.05)) == 39
    assert least_images(ScanSettings("photos", alpha_max=0.3)) == 3


@pytest.mark.parametrize("settings", [{"statistic": "berk"}, {"tail": "lower"}, {"alpha_max": 1}])
def test_settings_out_of_range(settings):
    with pytest.raises(UserError, match=f"scan {next(iter(settings))} is .*, accepted"):
        ScanSettings("photos", **settings)
