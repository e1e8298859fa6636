"""Errors of maps against the whole formula left-one-group-out in float64 loops; who has none."""

from functools import partial

import numpy as np
import pytest
import reference
import tensorflow as tf
import tiny

from sgcampp import Explainer, noised_samples
from sgcampp.engine import groups
from sgcampp.engine.groups import deal, group_count

STD_DEV, SEED = 0.3, 7
CHOICES = [
    {},
    {"score": "logit"},
    {"activations": "mean"},
    {"average": "maps"},
    {"average": "maps", "activations": "mean"},
    {"alpha_numerator": "first", "alpha_guard": "none"},
]


def explained(model, method="smooth_grad_cam_pp", n=13, layer="features", **settings):
    explainer = Explainer(model, layer, method, nsamples=n, std_dev=STD_DEV, seed=SEED, **settings)
    return explainer(tiny.images(2))


def at_peak(estimate, peak, chosen):
    """The map of the chosen samples, at another map's maximum."""
    L = estimate(chosen)
    return L * peak / L.max()


def wanted_error(twin, x, c, n, groups, choices):
    """(se [h, w], L) of Smooth Grad-CAM++, at the maximum of all samples' map."""
    clean = twin.sample(x, c)
    noised = [twin.sample(z, c) for z in noised_samples(x, n, STD_DEV, SEED)]

    def estimate(chosen):
        return reference.smooth_grad_cam_pp(clean, [noised[m - 1] for m in chosen], **choices)[0]

    whole = estimate(range(1, n + 1))
    return reference.standard_error(n, groups, partial(at_peak, estimate, whole.max())), whole


@pytest.mark.parametrize("n", [4, 13])
@pytest.mark.parametrize("choices", CHOICES, ids=str)
def test_the_error_is_the_jackknife_of_the_whole_formula(twin64, n, choices):
    got = explained(twin64.model, n=n, **choices)
    assert got.error_groups == min(n, 10)
    for i, x in enumerate(tiny.images(2)):
        se, L = wanted_error(twin64, x, got.class_idx[i], n, min(n, 10), choices)
        np.testing.assert_allclose(got.standard_error[i], se, rtol=0, atol=1e-6 * se.max())
        relative = np.sqrt(np.mean(se**2)) / L.max()
        assert got.relative_se[i] == pytest.approx(relative, rel=1e-6)
        assert relative > 1e-4


@pytest.mark.parametrize("batch_size", [1, 7, 40])
def test_the_error_does_not_depend_on_how_samples_are_cut(twin64, batch_size):
    whole, cut = explained(twin64.model), explained(twin64.model, batch_size=batch_size)
    scale = whole.standard_error.max()
    np.testing.assert_allclose(cut.standard_error, whole.standard_error, rtol=0, atol=1e-9 * scale)


def test_in_float32_too(twin, twin64):
    got, exact = explained(twin.model), explained(twin64.model)
    np.testing.assert_allclose(got.relative_se, exact.relative_se, rtol=1e-3)


def test_smooth_grad_and_smooth_grad_cam():
    twin = tiny.pixel_cnn()
    methods = ["smooth_grad_cam", "smooth_grad"]
    explainer = Explainer(twin.model, "features", methods, nsamples=11, std_dev=STD_DEV, seed=SEED)
    x = tiny.images(1)
    of_layer, of_pixels = explainer.each(x)
    v = tiny.unit(np.argmax(twin.logits(x[0])))
    noised = noised_samples(x[0], 11, STD_DEV, SEED)
    A = twin.sample(x[0], v)[0]
    g = [twin.sample(z, v)[2] for z in noised]
    at_pixels = [twin.backward(z, v)[0] for z in noised]

    def grad_cam(chosen):
        mean = sum(g[m - 1] for m in chosen) / len(chosen)
        return reference.grad_cam((A, None, mean))

    def smooth_grad(chosen):
        return np.abs(sum(at_pixels[m - 1] for m in chosen) / len(chosen)).max(-1)

    for got, estimate in ((of_layer, grad_cam), (of_pixels, smooth_grad)):
        peak = estimate(range(1, 12)).max()
        se = reference.standard_error(11, 10, partial(at_peak, estimate, peak))
        np.testing.assert_allclose(got.standard_error[0], se, rtol=0, atol=1e-6 * se.max())


def test_groups_leave_the_map_as_it_is(twin64, monkeypatch):
    whole = explained(twin64.model)
    monkeypatch.setattr(groups, "FEWEST_GROUPS", 1000)
    without = explained(twin64.model)
    assert without.standard_error is None
    np.testing.assert_allclose(whole.maps, without.maps, rtol=0, atol=1e-9 * whole.maps.max())


@pytest.mark.parametrize(
    ("method", "n", "reason"),
    [
        ("smooth_grad_cam_pp", 3, "few_samples"),
        ("smooth_grad_cam_pp", 0, "few_samples"),
        ("grad_cam_pp", 9, "not_averaged"),
        ("integrated_gradients", 9, "path"),
        ("guided_grad_cam_pp", 9, "not_averaged"),
    ],
)
def test_maps_without_an_error_say_why(twin, method, n, reason):
    layer = None if method == "integrated_gradients" else "features"
    got = explained(twin.model, method, n, layer)
    assert got.standard_error is None
    assert np.isnan(got.relative_se).all()
    assert set(got.no_error) == {reason}


def test_neither_has_an_affine_head_nor_a_map_without_anything():
    got = explained(tiny.affine_cnn())
    assert (got.standard_error, *got.no_error) == (None, "affine_head", "affine_head")
    twin = tiny.relu_cnn()
    weights = twin.model.get_weights()
    weights[4][:] = 0
    twin.model.set_weights(weights)
    got = explained(twin.model)
    assert not got.standard_error.any()
    assert list(got.no_error) == ["flat", "flat"]


def test_scores_of_any_size_give_errors_or_a_reason():
    for factor in (1e3, -1e4):
        got = explained(tiny.relu_cnn(scale=factor).model)
        assert np.isfinite(got.standard_error).all()
        assert (np.isfinite(got.relative_se) == (got.no_error == "")).all()


def test_what_is_no_error_of_one_filter_or_of_equal_samples(twin64):
    got = explained(twin64.model, filters=[0, 3])
    assert got.standard_error.shape == got.maps.shape
    still = Explainer(twin64.model, "features", nsamples=12, std_dev=0.0)(tiny.images(1))
    assert still.relative_se[0] < 1e-9


def test_fewer_groups_where_memory_is_short():
    assert group_count(50, 1000) == 10
    assert group_count(7, 1000) == 7
    assert group_count(50, groups.ROOM // 6) == 6
    assert group_count(50, groups.ROOM // 3) == 1
    assert group_count(3, 1000) == 1


def test_little_memory_leaves_fewer_groups_or_a_reason(twin64, monkeypatch):
    numbers = 3 * 8 * 8 * tiny.MAPS
    monkeypatch.setattr(groups, "ROOM", 5 * numbers)
    assert explained(twin64.model).error_groups == 5
    monkeypatch.setattr(groups, "ROOM", 3 * numbers)
    assert list(explained(twin64.model).no_error) == ["memory", "memory"]


@pytest.mark.parametrize(("start", "length"), [(0, 7), (5, 4), (9, 13), (13, 1)])
def test_each_sample_is_dealt_once_to_its_group(start, length):
    """Of two images at different samples; sample 0 is clean, those above 16 are passed over."""
    samples = np.array([np.arange(length) + start, np.arange(length) + 2 * start], np.int32)
    averaged = (samples > 0) & (samples <= 16)
    dealt = deal(tf.constant(samples), tf.constant(averaged), 4)
    numbers = dealt(tf.constant(samples)).numpy()
    for row, use, own, wanted in zip(numbers, dealt.use.numpy(), samples, averaged, strict=True):
        assert sorted(row[use]) == sorted(own[wanted])
        columns = np.broadcast_to(np.arange(4), row.shape)
        assert (row[use] % 4 == columns[use]).all()


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize(("start", "length"), [(0, 7), (5, 4), (9, 13), (13, 1)])
def test_sums_of_groups_are_of_the_samples_that_are_averaged(groups, start, length):
    rng = np.random.default_rng(length)
    samples = np.array([np.arange(length) + start, np.arange(length) + 2 * start], np.int32)
    averaged = (samples > 0) & (samples <= 16)
    x = rng.normal(size=(2, length, 3, 5))
    before = rng.normal(size=(2, groups, 3, 5))
    dealt = deal(tf.constant(samples), tf.constant(averaged), groups)
    got = dealt.add((before, 2 * before), lambda some: (some.used(x), some.used(2 * x)))
    wanted, counts = before.copy(), np.zeros((2, groups))
    for image, sample in np.argwhere(averaged):
        group = samples[image, sample] % groups
        wanted[image, group] += x[image, sample]
        counts[image, group] += 1
    np.testing.assert_allclose(got[0], wanted, rtol=1e-12)
    np.testing.assert_allclose(got[1], 2 * wanted, rtol=1e-12)
    np.testing.assert_array_equal(dealt.counts, counts)
