"""Hand-worked numbers, Quantus's, and flat, zero and one-pixel maps."""

import math

import evaluation_oracles as oracles
import numpy as np
import pytest

from scripts.oracles import inputs
from sgcampp.metrics.complexity import (
    area_above_half,
    entropy,
    gini,
    sharpness,
    smoothness_gain,
)
from sgcampp.metrics.metric import Undefined

NAN = float("nan")
ONE_MAP = [entropy, gini, sharpness, area_above_half]


def test_entropy_by_hand():
    """Shares 1/2, 1/4, 1/4, 0: (1/2 · 1 + 1/2 · 2 bits)/2 bits = 3/4."""
    assert entropy([[2.0, 1.0], [1.0, 0.0]]) == pytest.approx(0.75, abs=1e-12)
    assert entropy([[2.0, -1.0], [1.0, 0.0]]) == pytest.approx(0.75, abs=1e-12)
    assert entropy(np.full((5, 7), 0.3)) == pytest.approx(1, abs=1e-12)
    assert entropy([[0.0, 9.0, 0.0]]) == 0
    assert math.copysign(1, entropy([[0.0, 9.0, 0.0]])) == 1


def test_gini_by_hand():
    """Sorted 0, 1, 1, 2 weigh −3, −1, 1, 3: 6/(4 · 4) = 3/8; all in one of four: 3/4."""
    assert gini([[2.0, 1.0], [1.0, 0.0]]) == pytest.approx(0.375, abs=1e-12)
    assert gini([[0.0, 0.0], [5.0, 0.0]]) == pytest.approx(0.75, abs=1e-12)
    assert gini(np.full((5, 7), 0.3)) == pytest.approx(0, abs=1e-12)
    assert gini([[4.0]]) == 0


def test_sharpness_by_hand():
    """Rows |0 − 4| + |4 − 2| + |2 − 2| + |2 − 0| = 8, columns 2 + 2 + 2 = 6: 14/4."""
    assert sharpness([[0.0, 4.0, 2.0], [2.0, 2.0, 0.0]]) == pytest.approx(3.5, abs=1e-12)
    assert sharpness(np.full((4, 4), 3.0)) == 0
    assert sharpness([[3.0]]) == 0
    # One pixel of 1 among zeros is walked around once: four sides.
    spot = np.zeros((5, 5))
    spot[2, 2] = 1
    assert sharpness(spot) == 4


def test_area_above_half_by_hand():
    """4 and the two 2 of six pixels."""
    assert area_above_half([[0.0, 4.0, 2.0], [1.9, 2.0, 0.0]]) == pytest.approx(0.5, abs=1e-12)
    assert area_above_half(np.full((4, 4), 3.0)) == 1
    assert area_above_half([[3.0]]) == 1


def test_smoothness_gain_by_hand():
    """(1, 0) and (1, 3/4) once over their maxima: ‖(0, 3/4)‖/‖(1, 0)‖."""
    assert smoothness_gain([[4.0, 3.0]], [[2.0, 0.0]]) == pytest.approx(0.75, abs=1e-12)
    assert smoothness_gain([[0.0, 0.0]], [[2.0, 0.0]]) == pytest.approx(1, abs=1e-12)
    with pytest.raises(ValueError, match="differ"):
        smoothness_gain([[1.0, 2.0]], [[1.0], [2.0]])


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_a_map_s_scale_does_not_count(scale):
    M = np.random.default_rng(0).random((6, 6))
    for function in ONE_MAP:
        assert function(M * scale) == pytest.approx(function(M), abs=1e-12)
    assert smoothness_gain(M * scale, M) == pytest.approx(0, abs=1e-12)


def test_where_neurons_lie_does_not_count():
    M = np.random.default_rng(1).random((6, 6))
    shuffled = np.random.default_rng(2).permutation(M.ravel()).reshape(4, 9)
    for function in (entropy, gini, area_above_half):
        assert function(shuffled) == pytest.approx(function(M), abs=1e-12)


def test_as_quantus_finds_them():
    """Its entropy is not over ln n, and its Gini shifts the map by 1e-7."""
    values = oracles.found("quantus")
    for place, M in enumerate(inputs.maps()):
        theirs = values["entropy"][place] / math.log(M.size)
        assert entropy(M) == pytest.approx(theirs, abs=1e-6)
        assert gini(M) == pytest.approx(values["gini"][place], abs=1e-6)


@pytest.mark.parametrize("function", ONE_MAP)
def test_maps_without_a_value(function):
    for M, word in (
        (np.zeros((3, 3)), "zero_map"),
        ([[0.0]], "zero_map"),
        ([[1.0, NAN]], "map_not_finite"),
        ([[1.0, np.inf]], "map_not_finite"),
    ):
        with pytest.raises(Undefined) as caught:
            function(M)
        assert caught.value.reason == word


def test_one_neuron_has_no_entropy():
    with pytest.raises(Undefined) as caught:
        entropy([[3.0]])
    assert caught.value.reason == "one_neuron"


def test_a_zero_map_cannot_be_smoothed():
    with pytest.raises(Undefined) as caught:
        smoothness_gain([[1.0, 2.0]], [[0.0, 0.0]])
    assert caught.value.reason == "zero_map"
