"""Areas by hand, RISE's and other libraries' areas, and an order that ties cannot bend."""

import evaluation_oracles as oracles
import numpy as np
import pytest

from scripts.oracles import inputs
from sgcampp.metrics.curves import deletion, insertion, road, srg
from sgcampp.metrics.imputation import impute
from sgcampp.metrics.metric import Undefined
from sgcampp.metrics.ordering import pixel_ranks

NAN = float("nan")


def test_areas_by_hand():
    """.25 · (.8 + .4)/2 + .75 · (.4 + 0)/2 = .15 + .15; a straight line's is its middle."""
    assert deletion([0, 0.25, 1], [0.8, 0.4, 0.0]) == pytest.approx(0.3, abs=1e-12)
    assert insertion([0, 1], [0.2, 0.6]) == pytest.approx(0.4, abs=1e-12)
    assert insertion([0, 0.5, 1], [1.0, 1.0, 1.0]) == pytest.approx(1, abs=1e-12)


def test_srg_and_road_by_hand():
    """Areas .3 and .25 · .8 + .75 · (.8 + 0)/2 = .5; halves of .2, .4 and −.1 average 1/12."""
    value = srg([0, 0.25, 1], [0.8, 0.4, 0.0], [0.8, 0.8, 0.0])
    assert value == pytest.approx(0.2, abs=1e-12)
    assert road([0.6, 0.7, 0.2], [0.4, 0.3, 0.3]) == pytest.approx(0.5 / 6, abs=1e-12)


def test_an_area_is_rise_s():
    """(Σ − first/2 − last/2)/(steps − 1), for equal steps."""
    curve = np.array([0.9, 0.2, 0.7, 0.4, 0.1, 0.3])
    by_rise = (curve.sum() - curve[0] / 2 - curve[-1] / 2) / 5
    assert deletion(np.arange(6) / 5, curve) == pytest.approx(by_rise, abs=1e-12)


@pytest.mark.parametrize("function", [insertion, deletion])
def test_curves_without_a_value(function):
    for shares, curve, word in (
        ([0, 1], [0.5, NAN], "score_not_finite"),
        ([0, 1], [np.inf, 0.5], "score_not_finite"),
        ([0], [0.5], "no_curve"),
        ([], [], "no_curve"),
    ):
        with pytest.raises(Undefined) as caught:
            function(shares, curve)
        assert caught.value.reason == word


def test_road_and_srg_without_a_value():
    with pytest.raises(Undefined, match="NaN"):
        road([0.5, NAN], [0.5, 0.5])
    with pytest.raises(Undefined, match="fewer points"):
        road([], [])
    with pytest.raises(Undefined, match="NaN"):
        srg([0, 1], [0.5, 0.5], [NAN, 0.5])


@pytest.mark.parametrize("shares", [[0, 0.5, 0.5, 1], [0.1, 0.5, 0.7, 1], [0, 0.5, 0.7, 0.9]])
def test_shares_rise_from_0_to_1(shares):
    with pytest.raises(ValueError, match="rise from 0 to 1"):
        insertion(shares, [0.5] * 4)


def test_curves_of_different_lengths():
    with pytest.raises(ValueError, match="differ"):
        deletion([0, 1], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="differ"):
        road([0.1], [0.1, 0.2])


@pytest.mark.parametrize("oracle", ["torchcam", "xplique"])
def test_insertion_and_deletion_as_other_libraries_find_them(oracle):
    values = oracles.found(oracle)
    for place, one in enumerate(oracles.each()):
        shares, put_in, taken_out, _ = oracles.curves(*one)
        assert insertion(shares, put_in) == pytest.approx(values["insertion"][place], abs=1e-6)
        assert deletion(shares, taken_out) == pytest.approx(values["deletion"][place], abs=1e-6)


def test_least_important_first_is_insertion_from_its_end():
    """With one fill: what is left of the pixels is what was put in."""
    shares, put_in, taken_out, lerf = oracles.curves(*oracles.each()[0])
    np.testing.assert_allclose(lerf, put_in[::-1], atol=1e-15)
    value = insertion(shares, put_in) - deletion(shares, taken_out)
    assert srg(shares, taken_out, lerf) == pytest.approx(value, abs=1e-12)


def test_an_oracle_s_map_beats_its_opposite():
    """In a linear model, what a pixel adds to the logit is what it is worth."""
    for image, _, c in oracles.each():
        worth = inputs.weights()[:, c] - inputs.weights().mean(-1)
        saliency = (image.ravel() * worth).reshape(image.shape).sum(-1)
        shares, put_in, taken_out, lerf = oracles.curves(image, saliency, c)
        _, worst_in, worst_out, _ = oracles.curves(image, -saliency, c)
        assert insertion(shares, put_in) > insertion(shares, worst_in)
        assert deletion(shares, taken_out) < deletion(shares, worst_out)
        assert srg(shares, taken_out, lerf) > 0


def test_areas_of_tied_maps_depend_on_the_order_of_values_alone():
    """Any rising function of a map ranks its pixels, tied ones too, in the same order."""
    image, saliency, c = oracles.each()[0]
    tied = np.round(saliency * 3)
    areas = [deletion(*oracles.curves(image, one, c)[0:3:2]) for one in (tied, tied**3 + 7)]
    assert areas[0] == areas[1]


def test_where_pixels_lie_does_not_count_for_areas():
    """Image, model and map permuted together, without ties: the same curves."""
    image, saliency, c = oracles.each()[0]
    moved = np.random.default_rng(0).permutation(saliency.size)
    weights = inputs.weights().reshape(saliency.size, -1)

    def curve(pixels, weights, ranks):
        kept = [(ranks.ravel() >= count)[:, None] * pixels for count in range(0, 101, 5)]
        logits = np.array([one.ravel() @ weights.reshape(-1, inputs.CLASSES) for one in kept])
        return np.exp(logits[:, c]) / np.exp(logits).sum(-1)

    pixels, shares = image.reshape(saliency.size, -1), np.arange(21) / 20
    plain = deletion(shares, curve(pixels, weights, pixel_ranks(saliency)))
    there = saliency.ravel()[moved].reshape(saliency.shape)
    permuted = deletion(shares, curve(pixels[moved], weights[moved], pixel_ranks(there)))
    assert permuted == pytest.approx(plain, abs=1e-12)
    assert plain == pytest.approx(oracles.found("torchcam")["deletion"][0], abs=1e-6)


def test_road_as_grad_cam_finds_it():
    """Ten per cent of 100 pixels are 10, and its maps have no ties."""
    values = oracles.found("grad_cam")
    for place, (image, saliency, c) in enumerate(oracles.each()):
        ranks = pixel_ranks(saliency)

        def curve(holes, image=image, c=c):
            return [oracles.probability(impute(image, hole, noise=0), c) for hole in holes]

        morf = curve(ranks < count for count in range(10, 100, 10))
        lerf = curve(ranks >= 100 - count for count in range(10, 100, 10))
        np.testing.assert_allclose(morf, values["road_morf_curve"][place], atol=1e-6)
        np.testing.assert_allclose(lerf, values["road_lerf_curve"][place], atol=1e-6)
        theirs = np.subtract(values["road_lerf_curve"][place], values["road_morf_curve"][place])
        assert road(lerf, morf) == pytest.approx(theirs.mean() / 2, abs=1e-6)
