"""Hand-worked numbers, torchcam's and xplique's, and what has no value."""

import evaluation_oracles as oracles
import numpy as np
import pytest

from sgcampp.metrics.faithfulness import (
    adcc,
    average_drop,
    average_gain,
    average_increase,
    coherency,
    complexity,
    win,
)
from sgcampp.metrics.metric import Undefined

NAN, INF = float("nan"), float("inf")


def reason(function, *args):
    with pytest.raises(Undefined) as caught:
        function(*args)
    return caught.value.reason


def test_average_drop_by_hand():
    """(.8 − .6)/.8 = 25 %; a rise drops nothing; a black image's 0 drops all."""
    assert average_drop(0.8, 0.6) == pytest.approx(25, abs=1e-12)
    assert average_drop(0.8, 0.9) == 0
    assert average_drop(0.8, 0.8) == 0
    assert average_drop(0.8, 0.0) == 100


def test_average_increase_is_more_than_rounding():
    """.8 · 1e-4 = .00008: .80008 is not above it, .80009 is."""
    assert average_increase(0.8, 0.80007) == 0
    assert average_increase(0.8, 0.80009) == 100
    assert average_increase(0.8, float(np.nextafter(0.8, 1))) == 0
    assert average_increase(0.8, 0.8) == 0
    assert average_increase(0.0, 0.1) == 100


def test_average_gain_by_hand():
    """(.9 − .8)/(1 − .8) = 50 %; nothing can be won where p₀ is 1."""
    assert average_gain(0.8, 0.9) == pytest.approx(50, abs=1e-12)
    assert average_gain(0.8, 0.7) == 0
    assert average_gain(1.0, 1.0) == 0
    assert average_gain(1.0, 0.5) == 0
    assert average_gain(0.8, 1.0000001) == pytest.approx(100, abs=1e-12)


def test_win_by_hand():
    """Drops 25 % and 50 %; 50 % and 25 %; alike; both rise, so both drop nothing."""
    assert win(0.8, 0.6, 0.4) == 100
    assert win(0.8, 0.4, 0.6) == 0
    assert reason(win, 0.8, 0.6, 0.6) == "tie"
    assert reason(win, 0.8, 0.6, 0.60001) == "tie"
    assert reason(win, 0.8, 0.9, 0.95) == "tie"


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_scores_that_are_not_finite(bad):
    for function in (average_drop, average_increase, average_gain):
        assert reason(function, bad, 0.5) == "score_not_finite"
        assert reason(function, 0.5, bad) == "score_not_finite"
    assert reason(win, 0.5, 0.5, bad) == "score_not_finite"


def test_a_class_without_probability_cannot_drop():
    assert reason(average_drop, 0.0, 0.5) == "score_zero"
    assert reason(win, 0.0, 0.5, 0.1) == "score_zero"


def test_coherency_by_hand():
    """Centred (−1, 0, 1) with itself, its opposite, and the orthogonal (1, −2, 1)."""
    rising = [[1.0, 2.0, 3.0]]
    assert coherency(rising, [[10.0, 20.0, 30.0]]) == pytest.approx(1, abs=1e-12)
    assert coherency(rising, [[3.0, 2.0, 1.0]]) == pytest.approx(0, abs=1e-12)
    assert coherency(rising, [[1.0, -2.0, 1.0]]) == pytest.approx(0.5, abs=1e-12)
    assert coherency(rising, [[4.0, 4.0, 4.0]]) == 0
    assert coherency([[0.0, 0.0, 0.0]], rising) == 0


def test_coherency_of_a_map_in_the_smallest_numbers():
    tiny = np.array([[1.0, 2.0, 4.0]]) * 1e-200
    assert coherency(tiny, [[1.0, 2.0, 4.0]]) == pytest.approx(1, abs=1e-12)


def test_adcc_by_hand():
    """Coherency 1/2, complexity 1/2, drop 1/4: 3/(2 + 2 + 4/3) = 9/16."""
    assert complexity([[0.0, 0.5, 1.0]]) == pytest.approx(0.5, abs=1e-12)
    value = adcc([[0.0, 0.5, 1.0]], [[1.0, -2.0, 1.0]], 0.8, 0.6)
    assert value == pytest.approx(9 / 16, abs=1e-12)
    # Coherency 1, complexity 1/3, drop 1/4: 3/(1 + 3/2 + 4/3).
    value = adcc([[0.0, 0.0, 1.0]], [[2.0, 2.0, 5.0]], 0.8, 0.6)
    assert value == pytest.approx(18 / 23, abs=1e-12)


@pytest.mark.parametrize(
    ("normalised", "masked", "p1"),
    [
        ([[0.0, 0.5, 1.0]], [[3.0, 2.0, 1.0]], 0.6),  # coherency 0
        ([[1.0, 1.0, 1.0]], [[3.0, 2.0, 1.0]], 0.8),  # all ones: complexity 1
        ([[0.0, 0.0, 0.0]], [[3.0, 2.0, 1.0]], 0.1),  # a flat map
        ([[0.0, 0.5, 1.0]], [[1.0, 2.0, 3.0]], 0.0),  # drop 1
        ([[0.0]], [[0.0]], 0.6),  # one pixel
    ],
)
def test_adcc_is_zero_where_a_term_is(normalised, masked, p1):
    assert adcc(normalised, masked, 0.8, p1) == pytest.approx(0, abs=1e-9)


def test_adcc_without_a_value():
    assert reason(adcc, [[0.0, NAN]], [[0.0, 1.0]], 0.8, 0.6) == "map_not_finite"
    assert reason(adcc, [[0.0, 1.0]], [[0.0, INF]], 0.8, 0.6) == "map_not_finite"
    assert reason(adcc, [[0.0, 1.0]], [[0.0, 1.0]], NAN, 0.6) == "score_not_finite"
    assert reason(adcc, [[0.0, 1.0]], [[0.0, 1.0]], 0.0, 0.6) == "score_zero"
    with pytest.raises(ValueError, match="between 0 and 1"):
        adcc([[0.0, 2.0]], [[0.0, 1.0]], 0.8, 0.6)


@pytest.mark.parametrize("oracle", ["torchcam", "xplique"])
def test_drop_and_increase_as_other_libraries_find_them(oracle):
    values = oracles.found(oracle)
    for place, one in enumerate(oracles.each()):
        scores = oracles.before_and_after(*one)
        drop, increase = values["average_drop"][place], values["average_increase"][place]
        assert average_drop(*scores) / 100 == pytest.approx(drop, abs=1e-6)
        assert average_increase(*scores) / 100 == increase


def test_gain_as_xplique_finds_it():
    for one, gain in zip(oracles.each(), oracles.found("xplique")["average_gain"], strict=True):
        value = average_gain(*oracles.before_and_after(*one))
        assert value / 100 == pytest.approx(gain, abs=1e-6)
