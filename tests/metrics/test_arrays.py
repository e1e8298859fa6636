"""Normalising by hand, flat maps, draws that stay, and correlations."""

import numpy as np
import pytest
from scipy import stats

from sgcampp.draws import random_permutation, random_uniforms
from sgcampp.metrics.arrays import finite_map, normalise, over_maximum, pixels_of, unit_map
from sgcampp.metrics.correlation import pearson, spearman
from sgcampp.metrics.metric import Undefined


def test_normalise_by_hand():
    """(2, 4, 6) to (0, 1/2, 1); a flat map to 0, whatever its value."""
    assert normalise([[2.0, 4.0, 6.0]]).tolist() == [[0, 0.5, 1]]
    for value in (0.0, 3.0, -1.0):
        assert normalise(np.full((3, 4), value)).tolist() == np.zeros((3, 4)).tolist()
    assert normalise([[5.0]]).tolist() == [[0]]


def test_over_maximum_by_hand():
    assert over_maximum([[2.0, -4.0]]).tolist() == [[0.5, -1]]
    assert over_maximum([[0.0, 0.0]]).tolist() == [[0, 0]]
    assert over_maximum([[3e38, 1.5e38]]).tolist() == [[1, 0.5]]


def test_results_are_float64():
    assert normalise(np.eye(3, dtype=np.float32)).dtype == np.float64
    assert over_maximum(np.eye(3, dtype=np.float16)).dtype == np.float64


def test_what_is_no_map():
    for shape in ((3,), (2, 3, 4), (0, 3)):
        with pytest.raises(ValueError, match="two axes"):
            finite_map(np.zeros(shape))
    with pytest.raises(Undefined, match="NaN or infinity"):
        finite_map([[np.nan]])
    for outside in ([[-0.1, 1.0]], [[0.0, 1.1]]):
        with pytest.raises(ValueError, match="see `normalise`"):
            unit_map(outside)


def test_masks_have_the_map_s_shape():
    with pytest.raises(ValueError, match="for a map of"):
        pixels_of(np.ones((3, 3), bool), (3, 4))
    assert pixels_of([], (3, 4)).shape == (0, 3, 4)


def test_draws_depend_on_their_key_alone():
    assert np.array_equal(random_uniforms(9, "a", 1), random_uniforms(9, "a", 1))
    assert np.array_equal(random_uniforms(9, "a", np.int64(1)), random_uniforms(9, "a", 1))
    for other in (("b", 1), ("a", 2), ("a", "1"), ("a1",)):
        assert not np.array_equal(random_uniforms(9, "a", 1), random_uniforms(9, *other))
    many = random_uniforms(100_000, "many")
    assert 0 <= many.min() < many.max() < 1
    assert stats.kstest(many, "uniform").pvalue > 0.01
    assert sorted(random_permutation(50, "p")) == list(range(50))


def test_draws_are_these():
    """For ever."""
    drawn = random_uniforms(2, "ref_random", 0, "a.png")
    assert drawn.tolist() == [0.7324145029556836, 0.5403489227415458]


def test_correlations_as_scipy_has_them():
    rng = np.random.default_rng(0)
    for values in (3, 1000):
        a, b = rng.integers(0, values, (2, 40)).astype(float)
        assert pearson(a, b) == pytest.approx(stats.pearsonr(a, b)[0], abs=1e-12)
        assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b)[0], abs=1e-12)


@pytest.mark.parametrize("function", [pearson, spearman])
def test_a_constant_correlates_with_nothing(function):
    for a, b in (([1.0, 1.0], [1.0, 2.0]), ([1.0, 2.0], [0.1, 0.1]), ([1.0], [2.0]), ([], [])):
        with pytest.raises(Undefined) as caught:
            function(a, b)
        assert caught.value.reason == "constant"
    with pytest.raises(ValueError, match="differ"):
        function([1.0, 2.0], [1.0, 2.0, 3.0])
