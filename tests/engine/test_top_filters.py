"""The feature maps that weigh most: against weights worked by hand, alone and beside others."""

import numpy as np
import pytest
import tiny

from sgcampp import Explainer, UserError
from sgcampp.engine.baselines import Baselines
from sgcampp.engine.ensemble import Ensemble
from sgcampp.explain.choices import Choices
from sgcampp.explain.looks import looks_of
from sgcampp.explain.selection import Selection

NO_CODE = np.iinfo(np.int32).min


def by_hand(twin, x, c, method):
    """(w [K], A [h, w, K]) in float64."""
    A, _, g = twin.sample(x.astype(np.float64), c)
    if method == "grad_cam":
        return g.mean((0, 1)), A
    denominator = 2 * g**2 + A.sum((0, 1)) * g**3
    fits = denominator > 1e-3 * g**2
    alpha = np.where(fits, g**2 / np.where(fits, denominator, 1), 0)
    return (alpha * np.maximum(g, 0)).sum((0, 1)), A


@pytest.mark.parametrize("method", ["grad_cam", "grad_cam_pp"])
def test_they_are_those_of_the_weights_worked_by_hand(twin, method):
    images = tiny.images(4)
    found = Explainer(twin.model, "features", method, filters="top3")(images, "top2")
    assert found.filter_maps.shape == (4, 2, 3, 8, 8)
    orders = set()
    for n, t in np.ndindex(4, 2):
        w, A = by_hand(twin, images[n], found.class_idx[n, t], method)
        first = np.argsort(-w)[:3]
        np.testing.assert_array_equal(found.filters[n, t], first)
        np.testing.assert_allclose(found.filter_weights[n, t], w[first], rtol=1e-3, atol=1e-6)
        singles = np.maximum(w[first] * A[..., first], 0)
        np.testing.assert_allclose(
            found.filter_maps[n, t], np.moveaxis(singles, -1, 0), rtol=1e-3, atol=1e-5
        )
        L = np.maximum((w[first] * A[..., first]).sum(-1), 0)
        np.testing.assert_allclose(found.maps[n, t], L, rtol=1e-3, atol=1e-5)
        orders.add(tuple(first))
    assert len(orders) > 1  # chosen for each image and class


def test_named_feature_maps_have_their_weights_too(twin):
    images = tiny.images(2)
    several = Explainer(twin.model, "features", ["grad_cam", "hires_cam"], filters=[4, 1])
    cam, hires = several.each(images, [0, 1])
    for n in range(2):
        w, _ = by_hand(twin, images[n], n, "grad_cam")
        np.testing.assert_allclose(cam.filter_weights[n], w[[4, 1]], rtol=1e-4)
        np.testing.assert_array_equal(cam.filters[n], [4, 1])
    assert np.isnan(hires.filter_weights).all()


def test_smoothed_weights_choose_for_smoothed_maps(twin):
    """With all feature maps asked for, the maps are those of naming them in that order."""
    images = tiny.images(2)
    settings = {"nsamples": 5, "std_dev": 0.3}
    top = Explainer(twin.model, "features", filters="top5", **settings)(images, [2, 2])
    assert (np.diff(top.filter_weights, axis=1) <= 0).all()
    order = list(map(int, top.filters[1]))
    named = Explainer(twin.model, "features", filters=order, **settings)(images[1:], 2)
    np.testing.assert_allclose(named.filter_maps[0], top.filter_maps[1], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(named.filter_weights[0], top.filter_weights[1], rtol=1e-4)


def test_feature_maps_that_are_zero_everywhere_come_last(twin):
    dead = tiny.relu_cnn().model
    kernel, bias, *others = dead.get_weights()
    kernel[..., 2], bias[2] = 0, -1
    dead.set_weights([kernel, bias, *others])
    found = Explainer(dead, "features", "grad_cam_pp", filters="top5")(tiny.images(3))
    assert (found.filters[:, -1] == 2).all()
    assert (found.filter_weights[:, -1] > found.filter_weights[:, -2]).any()


def test_activation_shows_feature_maps_and_follows_the_method_beside_it(twin):
    images = tiny.images(3)
    alone = Explainer(twin.model, "features", "activation", filters="top2")(images)
    shown, cam = Explainer(twin.model, "features", ["activation", "grad_cam"], filters="top2").each(
        images
    )
    np.testing.assert_array_equal(shown.filters, cam.filters)
    np.testing.assert_array_equal(shown.filter_weights, cam.filter_weights)
    for n in range(3):
        A, _, _ = twin.sample(images[n].astype(np.float64), 0)
        mean = A.mean((0, 1))
        np.testing.assert_array_equal(alone.filters[n], np.argsort(-mean)[:2])
        np.testing.assert_allclose(alone.filter_weights[n], np.sort(mean)[::-1][:2], rtol=1e-4)
        chosen = np.moveaxis(A[..., shown.filters[n]], -1, 0)
        np.testing.assert_allclose(shown.filter_maps[n], chosen, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(shown.maps[n], chosen.sum(0), rtol=1e-4, atol=1e-6)


def test_the_image_maps_name_their_feature_maps(twin):
    looks = looks_of(["features"], ["grad_cam"], Choices(), Selection("top2"), 0, 0.15, 0)
    ensemble = Ensemble(twin.model, (8, 8, 3), looks, 1, Baselines(np.zeros(3, np.float32)))
    codes = np.array([[[1, NO_CODE]]], np.int32)
    result = ensemble.run(tiny.images(1), codes, ensemble.lay_out(1, 1))
    whole, first, second = result.image_maps(looks[0], 0, 0)
    assert whole.filters == first.filters + second.filters
    assert whole.weights == first.weights + second.weights
    assert first.weights[0] >= second.weights[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "layer_cam"}, "layer_cam has no weight for a feature map"),
        ({"average": "maps"}, "with average=maps each sample has weights of its own"),
        ({"filters": "top6"}, "filters is top6, but layer 'features' has 5 feature maps"),
        ({"filters": "top0"}, r"filters is 'top0', accepted: .*or top8"),
        ({"method": "gradient"}, "choose in a layer, but gradient looks at the input"),
    ],
)
def test_what_cannot_be_asked_for(twin, settings, message):
    with pytest.raises(UserError, match=message):
        Explainer(twin.model, "features", **{"filters": "top2", "nsamples": 2, **settings})(
            tiny.images(1)
        )
