"""Each reference map by hand, and that no method's map is met by chance or by a blur too wide."""

import numpy as np
import pytest

from sgcampp.metrics.catalogue import REFERENCES
from sgcampp.metrics.complexity import smoothness_gain
from sgcampp.metrics.metric import Undefined
from sgcampp.metrics.references import (
    blurred,
    matching_blur,
    partners,
    ref_blurred,
    ref_centre,
    ref_edges,
    ref_ones,
    ref_random,
    ref_shuffled,
)

RNG = np.random.default_rng(0)
INGREDIENTS = {
    "shape": (7, 9),
    "image": RNG.integers(0, 256, (60, 90, 3), np.uint8),
    "seed": 3,
    "key": "birds/a b.png",
    "other_map": RNG.random((7, 9)),
    "plain_map": RNG.random((7, 9)),
    "smooth_map": RNG.random((7, 9)),
}


def test_the_six():
    assert list(REFERENCES) == [
        "ref_ones",
        "ref_centre",
        "ref_random",
        "ref_edges",
        "ref_shuffled",
        "ref_blurred",
    ]
    assert [one.name for one in REFERENCES.values() if one.is_normalised] == ["ref_ones"]


@pytest.mark.parametrize("name", REFERENCES)
def test_each_is_a_float64_map_not_below_zero(name):
    reference = REFERENCES.find(name)
    M = reference.draw(INGREDIENTS)
    assert M.shape == (7, 9)
    assert M.dtype == np.float64
    assert np.isfinite(M).all()
    assert M.min() >= 0
    assert reference.summary.endswith((".", "?"))


def test_parameters_may_be_others():
    centre = REFERENCES.find("ref_centre")
    assert centre.parameters == {"width": 0.25}
    assert np.array_equal(centre.draw(INGREDIENTS, width=0.1), ref_centre((7, 9), width=0.1))


def test_ones_and_centre_by_hand():
    """A neuron's centre half a side from the middle is two widths away: e^{−2}."""
    assert ref_ones((2, 3)).tolist() == [[1, 1, 1], [1, 1, 1]]
    M = ref_centre((1, 3), width=1 / 6)
    np.testing.assert_allclose(M, [[np.exp(-2), 1, np.exp(-2)]], atol=1e-12)
    assert ref_centre((7, 7)).argmax() == 24


def test_random_depends_on_seed_key_and_shape_alone():
    M = ref_random((7, 7), 1, "a.png")
    assert np.array_equal(M, ref_random((7, 7), 1, "a.png"))
    for other in (((7, 7), 2, "a.png"), ((7, 7), 1, "b.png")):
        assert not np.array_equal(M, ref_random(*other))
    assert np.unique(M).size == 49


def test_edges_by_hand():
    """A step of 200 between columns 3 and 4: Sobel gives 800 in both, and 0 elsewhere."""
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, 4:] = 200
    np.testing.assert_allclose(ref_edges(image, (1, 4)), [[0, 400, 400, 0]], atol=1e-9)
    assert not ref_edges(np.full((8, 8, 3), 77, np.uint8), (2, 2)).round(9).any()


def test_shuffled_is_another_image_s_map():
    M = INGREDIENTS["other_map"]
    assert np.array_equal(ref_shuffled(M, (7, 9)), M)
    assert ref_shuffled(M, (14, 14)).shape == (14, 14)
    with pytest.raises(Undefined):
        ref_shuffled(M * np.nan, (7, 9))


@pytest.mark.parametrize("count", [2, 3, 10, 101])
def test_partners_are_others_each_once(count):
    for classes in (np.zeros(count), np.arange(count), np.arange(count) % 3, np.arange(count) > 1):
        found = partners(classes, seed=4)
        assert sorted(found) == list(range(count))
        assert (found != np.arange(count)).all()
        assert np.array_equal(found, partners(classes, seed=4))


def test_partners_are_of_other_classes_as_far_as_there_are_any():
    for classes in ([7, 7, 3, 3], [1, 2, 1, 3, 2, 1], list(range(9))):
        of = np.array(classes)
        assert (of[partners(of, seed=2)] != of).all()
    most = np.array([5] * 7 + [6, 7, 8])  # three can be given a partner elsewhere
    assert (most[partners(most)] != most).sum() == 2 * 3


def test_one_image_has_no_partner():
    for classes in ([], [3]):
        with pytest.raises(Undefined) as caught:
            partners(classes)
        assert caught.value.reason == "one_image"


@pytest.mark.parametrize("target", [0.01, 0.1, 0.3])
def test_blurred_differs_as_much_as_the_smoothed_map(target):
    plain = np.zeros((14, 14))
    plain[4, 5], plain[9, 9] = 1.0, 0.6
    smooth = plain + target * np.linalg.norm(plain) * np.eye(14)[:, ::-1] / np.sqrt(14)
    expected = smoothness_gain(smooth, plain)
    M = ref_blurred(plain, smooth)
    assert smoothness_gain(M, plain) == pytest.approx(expected, abs=1e-6)


def test_the_width_of_a_blur_is_found_again():
    plain = np.random.default_rng(5).random((14, 14)) ** 4
    for sigma in (0.4, 0.7, 1.5):
        found = matching_blur(plain, 3 * blurred(plain, sigma))
        assert found == pytest.approx(sigma, abs=1e-6)


def test_what_smoothing_left_alone_is_not_blurred():
    plain = np.random.default_rng(6).random((7, 7))
    assert np.array_equal(ref_blurred(plain, plain), plain)
    # Over its maximum a map times 3 is the map to a digit or so; the blur is as small.
    np.testing.assert_allclose(ref_blurred(plain, 3 * plain), plain, atol=1e-9)


def test_no_blur_changes_so_much():
    plain = np.ones((7, 7))
    plain[0, 0] = 0.9
    spot = np.zeros((7, 7))
    spot[0, 0] = 1
    assert matching_blur(plain, spot) == 7
    assert matching_blur(np.ones((7, 7)), spot) == 0
    with pytest.raises(Undefined) as caught:
        ref_blurred(np.zeros((7, 7)), spot)
    assert caught.value.reason == "zero_map"
