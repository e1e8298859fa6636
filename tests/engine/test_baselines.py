"""What images are held against, and that maps are of the difference to it."""

import numpy as np
import pytest
import reference
import tiny

from sgcampp import Explainer, UserError
from sgcampp.engine.baselines import Baselines, chosen
from sgcampp.engine.fills import FILLS
from sgcampp.explain.against import BASELINES

BLACK = np.array([-1, -2, -3], np.float32)


def test_each_by_hand():
    images = tiny.images(2)
    given = np.full((8, 8, 3), 0.25, np.float32)
    baselines = Baselines(BLACK, {"a.png": given})

    def of(name):
        return np.broadcast_to(baselines.of(name, images), images.shape)

    np.testing.assert_array_equal(of("zeros"), 0)
    np.testing.assert_array_equal(of(None), 0)
    np.testing.assert_array_equal(of("black"), np.broadcast_to(BLACK, images.shape))
    np.testing.assert_allclose(of("mean")[1, 3, 4], images[1].mean((0, 1)), rtol=1e-5)
    np.testing.assert_array_equal(of("blur")[0], FILLS["blur"](images[0], BLACK))
    np.testing.assert_array_equal(of("a.png")[1], given)
    assert set(BASELINES) == {"zeros", *FILLS}


@pytest.mark.parametrize("baseline", ["mean", "blur", "array"])
def test_integrated_gradients_go_from_the_baseline_to_the_image(baseline):
    twin, images = tiny.pixel_cnn(), tiny.images(2)
    given = tiny.images(1, seed=8)[0] if baseline == "array" else baseline
    got = Explainer(twin.model, None, "integrated_gradients", baseline=given, ig_steps=7)(images)
    for x, c, L, missed in zip(images, got.class_idx, got.maps, got.completeness, strict=True):
        x0 = given if baseline == "array" else FILLS[baseline](x, BLACK)
        x0 = np.broadcast_to(x0, x.shape).astype(float)
        v = tiny.unit(c)
        way = [twin.backward(x0 + (x - x0) * (m + 0.5) / 7, v)[0] for m in range(7)]
        attributions = (x - x0) * np.mean(way, 0)
        wanted = np.abs(attributions.sum(-1))
        np.testing.assert_allclose(L, wanted, rtol=0, atol=1e-6 * wanted.max())
        ends = v @ twin.logits(x.astype(float)), v @ twin.logits(x0)
        assert missed == pytest.approx(reference.incompleteness(attributions, *ends), abs=1e-5)


def test_methods_without_a_baseline_do_not_mind_it():
    twin, images = tiny.pixel_cnn(), tiny.images(1)
    for method in ("gradient", "grad_cam"):
        plain = Explainer(twin.model, None, method)(images)
        held = Explainer(twin.model, None, method, baseline="blur")(images)
        np.testing.assert_array_equal(plain.maps, held.maps)


def test_what_is_no_baseline_is_refused():
    with pytest.raises(UserError, match=r"baseline is 'blurr', accepted.*did you mean 'blur'"):
        chosen("blurr")
    with pytest.raises(UserError, match="baseline has shape"):
        chosen(np.zeros((4, 4)))
    twin = tiny.pixel_cnn()
    with pytest.raises(UserError, match=r"baseline has shape \(4, 4, 3\), accepted: \(8, 8, 3\)"):
        Explainer(twin.model, None, "deep_lift", baseline=np.zeros((4, 4, 3)))(tiny.images(1))
