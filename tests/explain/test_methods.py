"""Each method of the CAM family against its closed form, with gradients from `reference`."""

import numpy as np
import pytest
import tensorflow as tf
import tiny

from sgcampp import Explainer, UserError, noised_samples
from sgcampp.explain.choices import Choices
from sgcampp.explain.equations import Derivatives
from sgcampp.explain.lens import Lens
from sgcampp.explain.methods import METHODS, Needs
from sgcampp.explain.selection import Selection


def clean(twin, x, c):
    A, _, g = twin.sample(x, c)
    return A, g


CLOSED = {
    "grad_cam": lambda A, g: g.mean((0, 1)) * A,
    "layer_cam": lambda A, g: np.maximum(g, 0) * A,
    "hires_cam": lambda A, g: g * A,
}


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("nsamples", [0, 4])
def test_methods_of_the_clean_image(twin64, name, nsamples):
    """They look at the clean image alone, whatever nsamples."""
    images = tiny.images(3)
    got = Explainer(twin64.model, "features", name, nsamples=nsamples)(images)
    for i, x in enumerate(images):
        L = np.maximum(CLOSED[name](*clean(twin64, x, got.class_idx[i])).sum(-1), 0)
        np.testing.assert_allclose(got.maps[i], L, atol=1e-6 * max(L.max(), 1e-9))
        assert got.log_scale[i] == 0
    assert got.nsamples == 0


def test_smooth_grad_cam_averages_gradients_alike(twin64):
    images = tiny.images(3)
    explain = Explainer(twin64.model, "features", "smooth_grad_cam", nsamples=6, std_dev=0.4)
    got = explain(images)
    for i, x in enumerate(images):
        c = got.class_idx[i]
        g = np.mean([twin64.sample(z, c)[2] for z in noised_samples(x, 6, 0.4)], 0)
        L = np.maximum((g.mean((0, 1)) * twin64.sample(x, c)[0]).sum(-1), 0)
        np.testing.assert_allclose(got.maps[i], L, atol=1e-6 * max(L.max(), 1e-9))
        assert got.ess[i] == 6
        assert got.log_scale[i] == 0


@pytest.mark.parametrize("name", METHODS)
def test_every_method_cites_its_source(name):
    assert "20" in METHODS[name].summary or "Eq." in METHODS[name].summary


@pytest.mark.parametrize("choices", [Choices(), Choices(alpha_numerator="first")], ids=str)
@pytest.mark.parametrize("name", [m.name for m in METHODS.values() if m.smooth])
def test_smooth_methods_are_homogeneous_in_the_derivatives(name, choices):
    """What errors are computed from: c D gives c times the map of D."""
    rng = np.random.default_rng(3)
    A, *D = tf.constant(rng.normal(size=(4, 2, 5, 5, 6)))
    lens = Lens(Selection(), choices, "features")
    once = lens.see(METHODS[name], A, Derivatives(*D)).whole
    fourfold = lens.see(METHODS[name], A, Derivatives(*(4 * d for d in D))).whole
    assert once.numpy().any()
    np.testing.assert_array_equal(fourfold, 4 * once)


@pytest.mark.parametrize("name", [m.name for m in METHODS.values() if m.needs is Needs.LAYER])
def test_every_method_at_a_layer_honours_a_region(twin, name):
    model = tiny.affine_cnn() if METHODS[name].pooled_head else twin.model
    got = Explainer(model, "features", name, nsamples=2, region=True, subset=[(0, 0), (3, 3)])
    maps = got(tiny.images(2)).maps
    assert maps.any()
    assert not maps[:, 4:].any()
    assert not maps[:, :, 4:].any()


@pytest.mark.parametrize("name", [m.name for m in METHODS.values() if m.needs is Needs.PIXELS])
def test_methods_in_pixel_space_refuse_a_choice_in_a_layer(twin, name):
    for choice in ({"filters": [0]}, {"subset": [(0, 0)]}):
        with pytest.raises(UserError, match=f"{name} looks at the input"):
            Explainer(twin.model, "features", name, **choice)


def test_an_unknown_method_is_refused_with_the_nearest(twin):
    with pytest.raises(UserError, match="did you mean 'layer_cam'"):
        Explainer(twin.model, "features", "layercam")
