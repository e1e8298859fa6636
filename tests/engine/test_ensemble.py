"""Several methods and layers at once: what shares passes must not change what is seen."""

import numpy as np
import pytest
import reference
import tiny

from sgcampp import Explainer, UserError

LAYERS = ["early", "features"]
AT_LAYERS = ["grad_cam", "smooth_grad_cam_pp", "guided_grad_cam_pp", "smooth_grad_cam"]
IN_PIXELS = ["smooth_grad", "deconvnet", "integrated_gradients", "guided_backprop", "gradient"]
MIXED = ["grad_cam", "smooth_grad", "deconvnet", "smooth_grad_cam_pp", "guided_grad_cam_pp"]
MIXED += ["integrated_gradients", "guided_backprop", "smooth_grad_cam", "gradient"]
SETTINGS = {"nsamples": 4, "std_dev": 0.3, "seed": 5, "ig_steps": 6}
FIELDS = ["maps", "class_idx", "against_idx", "scores", "probabilities"]
FIELDS += ["log_scale", "ess", "guarded", "completeness"]


@pytest.fixture(scope="module")
def twin():
    return tiny.pixel_cnn()


@pytest.fixture(scope="module")
def explainer(twin):
    return Explainer(twin.model, LAYERS, MIXED, **SETTINGS)


def by_name(found):
    named = {(got.layer_name, got.method): got for got in found}
    assert len(named) == len(found)
    return named


def assert_same(got, wanted, tolerance=1e-6):
    for field in FIELDS:
        a, b = getattr(got, field), getattr(wanted, field)
        assert (a.shape, a.dtype) == (b.shape, b.dtype), field
        scale = np.abs(b[np.isfinite(b)]).max(initial=1e-30)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale, err_msg=field)
    np.testing.assert_array_equal(got.reasons, wanted.reasons)
    assert (got.affine_head, got.nsamples) == (wanted.affine_head, wanted.nsamples)


def test_every_layer_and_method_once_in_order(explainer):
    found = explainer.each(tiny.images(2))
    of_layers = [(got.layer_name, got.method) for got in found if got.layer_name != "input"]
    assert of_layers == [(layer, m) for layer in LAYERS for m in MIXED if m in AT_LAYERS]
    of_input = [got.method for got in found if got.layer_name == "input"]
    assert of_input == [m for m in MIXED if m in IN_PIXELS]
    for got in found:
        assert got.maps.shape == (2, 8, 8)


@pytest.mark.parametrize("method", [*AT_LAYERS[:3], "smooth_grad"])
def test_each_is_what_a_single_run_gives(twin, explainer, method):
    """Rules for ReLUs, e^S weights and paths of one method must not leak into another's maps."""
    images = tiny.images(3)
    found = by_name(explainer.each(images))
    layer, given = ("early", "early") if method in AT_LAYERS else ("input", None)
    alone = Explainer(twin.model, given, method, **SETTINGS)(images)
    assert alone.maps.max() > 0
    assert_same(found[layer, method], alone)


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_batches_make_no_difference(explainer, monkeypatch, batch_size):
    images = tiny.images(5)
    whole = explainer.each(images)
    monkeypatch.setattr(explainer, "batch_size", batch_size)
    for got, wanted in zip(explainer.each(images), whole, strict=True):
        assert_same(got, wanted)
    first = explainer.each(images[:1])
    for got, wanted in zip(first, whole, strict=True):
        np.testing.assert_allclose(
            got.maps, wanted.maps[:1], rtol=0, atol=1e-6 * wanted.maps[:1].max()
        )


def test_the_maps_are_the_equations_ones(twin, explainer):
    """Not only equal to single runs, which could share a mistake."""
    from sgcampp import noised_samples

    images = tiny.images(2)
    found = by_name(explainer.each(images))
    for i, x in enumerate(images):
        v = tiny.unit(np.argmax(twin.logits(x)))
        noised = noised_samples(x, 4, 0.3, 5)
        samples = [twin.sample(z, v) for z in noised]
        wanted = {
            ("features", "grad_cam"): reference.grad_cam(twin.sample(x, v)),
            ("features", "smooth_grad_cam_pp"): reference.smooth_grad_cam_pp(
                twin.sample(x, v), samples
            )[0],
        }
        backward = tiny.backward_of(twin, v)
        for method in IN_PIXELS:
            wanted["input", method] = reference.pixel_map(method, backward, x, noised, 6)
        for name, L in wanted.items():
            got = found[name].maps[i]
            np.testing.assert_allclose(got, L, rtol=0, atol=1e-6 * L.max(), err_msg=str(name))


def test_several_classes_and_contrasts_at_once(twin):
    images = tiny.images(2)
    methods = ["smooth_grad_cam_pp", "smooth_grad"]
    explainer = Explainer(twin.model, ["features"], methods, **SETTINGS)
    targets = [["0", "2-vs-1"], ["top1-vs-top2", "3"]]
    found = explainer.each(images, targets)
    for got in found:
        ranked = np.argsort(-twin.logits(images[1]))
        assert got.maps.shape == (2, 2, 8, 8)
        np.testing.assert_array_equal(got.class_idx, [[0, 2], [ranked[0], 3]])
        np.testing.assert_array_equal(got.against_idx, [[-1, 1], [ranked[1], -1]])
    alone = Explainer(twin.model, "features", methods[0], **SETTINGS)
    for t in range(2):
        single = alone(images, [each[t] for each in targets])
        L = found[0].maps[:, t]
        np.testing.assert_allclose(L, single.maps, rtol=0, atol=1e-6 * max(L.max(), 1e-30))


def test_a_layer_with_an_affine_head_beside_one_without():
    """Noise changes nothing at `features`, and must go on changing `early` and the pixels."""
    with tiny.dtype_policy("float64"):
        model = tiny.affine_cnn()
    images, methods = tiny.images(2), ["smooth_grad_cam_pp", "grad_cam_pp", "smooth_grad"]
    methods += ["gradient"]
    found = by_name(Explainer(model, ["features", "early"], methods, **SETTINGS).each(images))
    affine = {name: got.affine_head for name, got in found.items()}
    assert affine["features", "smooth_grad_cam_pp"]
    assert not affine["early", "smooth_grad_cam_pp"]
    assert not affine["input", "smooth_grad"]
    for layer, method in (("features", methods[0]), ("input", methods[2])):
        of_layer = None if layer == "input" else layer
        alone = Explainer(model, of_layer, method, **SETTINGS)(images)
        assert_same(found[layer, method], alone)
    smooth, plain = (found["early", method].maps for method in methods[:2])
    share = [maps / maps.max((1, 2), keepdims=True) for maps in (smooth, plain)]
    assert np.abs(share[0] - share[1]).max() > 0.01
    smooth, plain = (found["input", method].maps for method in ("smooth_grad", "gradient"))
    assert np.abs(smooth - plain).max() > 0.01 * plain.max()
    assert found["input", "smooth_grad"].nsamples == 4


def test_cam_beside_others_is_refused_where_it_does_not_fit():
    model = tiny.affine_cnn()
    with pytest.raises(UserError, match="'early'"):
        Explainer(model, ["features", "early"], ["cam", "grad_cam"]).each(tiny.images(1))


def test_filters_choose_in_layers_and_leave_pixels_alone(twin, explainer):
    """Feature map 4 of the layer is no channel of the input."""
    images, methods = tiny.images(2), ["gradient", "grad_cam", "smooth_grad"]
    settings = {**SETTINGS, "region": True, "subset": [(0, 0), (3, 3)]}
    bounded = Explainer(twin.model, "features", methods, filters=[4, 1], **settings)
    found = by_name(bounded.each(images))
    assert found["features", "grad_cam"].filter_maps.shape == (2, 2, 8, 8)
    assert not found["features", "grad_cam"].maps[:, 4:].any()
    whole = by_name(explainer.each(images))
    for method in ("gradient", "smooth_grad"):
        assert found["input", method].filter_maps is None
        assert_same(found["input", method], whole["input", method])


def test_lists_of_one_are_lists(twin, explainer):
    images = tiny.images(1)
    (alone,) = Explainer(twin.model, ("features",), ["grad_cam"]).each(images)
    assert_same(alone, by_name(explainer.each(images))["features", "grad_cam"])


@pytest.mark.parametrize(
    ("layers", "methods", "message"),
    [
        (["features", "erly"], ["grad_cam"], "did you mean 'early'"),
        (["features"], ["grad_cam", "layercam"], "did you mean 'layer_cam'"),
        (["features"], ["smoothgrad"], "did you mean 'smooth_grad'"),
        ([], ["grad_cam"], "at least one"),
        (["features"], [], "at least one"),
    ],
)
def test_names_that_do_not_exist_are_refused_among_several(twin, layers, methods, message):
    with pytest.raises(UserError, match=message) as refused:
        Explainer(twin.model, layers, methods).each(tiny.images(1))
    assert "\n" not in str(refused.value)


def test_a_call_that_can_return_one_explanation_refuses_several(explainer):
    with pytest.raises(UserError, match="each"):
        explainer(tiny.images(1))
