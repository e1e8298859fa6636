"""Hand-worked norms, captum's and Quantus's values, and what cannot be compared."""

import evaluation_oracles as oracles
import numpy as np
import pytest

from scripts.oracles import inputs
from sgcampp.metrics.arrays import normalise
from sgcampp.metrics.metric import Undefined
from sgcampp.metrics.robustness import (
    avg_sensitivity,
    emprt,
    max_sensitivity,
    mprt_spearman,
    mprt_ssim,
    seed_sensitivity,
)

PAIRS = [(0, 1), (1, 2), (2, 0)]


def reason(function, *args):
    with pytest.raises(Undefined) as caught:
        function(*args)
    return caught.value.reason


def test_sensitivity_by_hand():
    """(1, 0) to (1, 1/2), (1, 0) and, over its maximum, (1, 1): changes 1/2, 0, 1."""
    maps = [[[1.0, 0.5]], [[1.0, 0.0]], [[7.0, 7.0]]]
    assert max_sensitivity([[3.0, 0.0]], maps) == pytest.approx(1, abs=1e-12)
    assert avg_sensitivity([[3.0, 0.0]], maps) == pytest.approx(0.5, abs=1e-12)
    # A map that vanished changed by itself.
    assert max_sensitivity([[3.0, 0.0]], [[[0.0, 0.0]]]) == pytest.approx(1, abs=1e-12)


def test_sensitivity_as_captum_finds_it():
    theirs = oracles.found("captum")["max_sensitivity"]
    for (image, _, c), value in zip(oracles.each(), theirs, strict=True):
        own = inputs.explain(image[None], c)[0]
        noised = inputs.explain(image + inputs.patterns(), c)
        assert max_sensitivity(own, noised) == pytest.approx(value, abs=1e-6)
        assert avg_sensitivity(own, noised) <= max_sensitivity(own, noised)


def test_another_seed_by_hand():
    """(1, 0) to (1, 3/4), over their maxima: 3/4 of the first one's norm."""
    assert seed_sensitivity([[2.0, 0.0]], [[4.0, 3.0]]) == pytest.approx(0.75, abs=1e-12)
    assert seed_sensitivity([[2.0, 1.0]], [[4.0, 2.0]]) == 0
    assert reason(seed_sensitivity, [[0.0, 0.0]], [[1.0, 2.0]]) == "zero_map"


def test_sensitivity_without_a_value():
    for function in (max_sensitivity, avg_sensitivity):
        assert reason(function, [[1.0, 2.0]], []) == "no_perturbations"
        assert reason(function, [[0.0, 0.0]], [[[1.0, 2.0]]]) == "zero_map"
        assert reason(function, [[1.0, 2.0]], [[[1.0, np.nan]]]) == "map_not_finite"
        with pytest.raises(ValueError, match="differ"):
            function([[1.0, 2.0]], [[[1.0], [2.0]]])


def test_mprt_by_hand():
    """Ranks (1, 2, 3, 4) and (1, 2, 4, 3): 1 − 6 · 2/(4 · 15) = .8."""
    value = mprt_spearman([[1.0, 2.0], [3.0, 4.0]], [[0.1, 0.2], [9.0, 0.3]])
    assert value == pytest.approx(0.8, abs=1e-12)
    assert mprt_spearman([[1.0, 2.0]], [[2.0, 1.0]]) == pytest.approx(-1, abs=1e-12)


def test_ssim_of_one_window_by_hand():
    """7 × 7 is one window: the formula of Wang et al. 2004 with sample variances."""
    rng = np.random.default_rng(0)
    a, b = normalise(rng.random((7, 7))), normalise(rng.random((7, 7)))
    c1, c2 = 0.01**2, 0.03**2
    covariance = np.cov(a.ravel(), b.ravel())
    top = (2 * a.mean() * b.mean() + c1) * (2 * covariance[0, 1] + c2)
    bottom = (a.mean() ** 2 + b.mean() ** 2 + c1) * (covariance[0, 0] + covariance[1, 1] + c2)
    assert mprt_ssim(a * 5, b + 2) == pytest.approx(top / bottom, abs=1e-6)
    assert mprt_ssim(a, a) == pytest.approx(1, abs=1e-12)


def test_ssim_is_scikit_image_s():
    from skimage.metrics import structural_similarity

    a, b = (normalise(x) for x in np.random.default_rng(1).random((2, 12, 17)))
    for window in (3, 7, 11):
        theirs = structural_similarity(a, b, win_size=window, data_range=1.0)
        assert mprt_ssim(a, b, window=window) == pytest.approx(theirs, abs=1e-12)


def test_mprt_as_quantus_finds_it():
    values, maps = oracles.found("quantus"), inputs.maps()
    for place, (a, b) in enumerate(PAIRS):
        spearman, ssim = values["mprt_spearman"][place], values["mprt_ssim"][place]
        assert mprt_spearman(maps[a], maps[b]) == pytest.approx(spearman, abs=1e-6)
        assert mprt_ssim(maps[a], maps[b]) == pytest.approx(ssim, abs=1e-6)


def test_mprt_without_a_value():
    M, flat = np.arange(49.0).reshape(7, 7), np.ones((7, 7))
    for function in (mprt_spearman, mprt_ssim):
        assert reason(function, M, flat) == "flat_map"
        assert reason(function, flat, M) == "flat_map"
        assert reason(function, M, M * np.nan) == "map_not_finite"
        with pytest.raises(ValueError, match="differ"):
            function(M, M[:6])
    assert reason(mprt_ssim, M[:6], M[:6]) == "too_small"
    assert reason(mprt_spearman, [[1.0]], [[2.0]]) == "flat_map"


def test_emprt_by_hand():
    """Entropies 1/2 (two of four neurons) and 1: a rise by 100 %."""
    two, four = [[1.0, 1.0], [0.0, 0.0]], [[2.0, 2.0], [2.0, 2.0]]
    assert emprt(two, four) == pytest.approx(1, abs=1e-12)
    assert emprt(four, two) == pytest.approx(-0.5, abs=1e-12)


def test_emprt_without_a_value():
    M, one = [[1.0, 2.0]], [[0.0, 2.0]]
    assert reason(emprt, one, M) == "zero_entropy"
    assert reason(emprt, M, [[0.0, 0.0]]) == "zero_map"
    assert reason(emprt, [[1.0]], [[2.0]]) == "one_neuron"
    assert reason(emprt, M, [[np.nan, 0.0]]) == "map_not_finite"
    assert emprt(M, one) == pytest.approx(-1, abs=1e-12)
