"""LIME against its authors' package and captum, and what it stands on."""

import fixed_network
import numpy as np
import pytest
import tiny
from fixed_network import CLASSES, IMAGES, found

from scripts.oracles import network
from sgcampp import Explainer, UserError
from sgcampp.explain import lime
from sgcampp.explain.method import METHODS


@pytest.fixture
def same_samples(monkeypatch):
    """The squares and samples that the other libraries were given."""
    labels = network.cells().astype(np.int32)
    monkeypatch.setattr(lime, "superpixels", lambda image, count: labels)
    shown = network.shown().astype(np.float32)
    monkeypatch.setattr(lime, "table", lambda count, cells, seed: shown)


def test_weights_and_r2_are_the_authors_and_captums(same_samples):
    model = fixed_network.keras_model()
    explain = Explainer(model, None, "lime", perturbations=network.SAMPLES, sign="signed")
    got = explain(IMAGES, CLASSES)
    for library, name in (("lime", "weights"), ("captum", "lime")):
        wanted = found(library, name)
        assert wanted.shape == (2, 9)
        tolerance = 1e-5 * np.abs(wanted).max()
        np.testing.assert_allclose(got.maps, wanted[:, network.cells()], rtol=0, atol=tolerance)
    np.testing.assert_allclose(got.r2, found("lime", "r2"), atol=1e-5)
    assert got.perturbations == network.SAMPLES


def test_ridge_regression_by_its_normal_equations():
    rng = np.random.default_rng(0)
    shown = np.concatenate([np.ones((1, 4)), rng.integers(0, 2, (50, 4))]).astype(np.float32)
    values = rng.normal(size=(51, 2))
    weights, r2 = lime.fitted(shown, values)
    similarity = shown.sum(1) / np.sqrt(np.maximum(shown.sum(1), 1) * 4)
    near = np.exp(-(((1 - similarity) / 0.25) ** 2))
    X, y = shown - near @ shown / near.sum(), values - near @ values / near.sum()
    wanted = np.linalg.solve(X.T @ (near[:, None] * X) + np.eye(4), X.T @ (near[:, None] * y))
    np.testing.assert_allclose(weights, wanted, atol=1e-6)
    left = (near[:, None] * (y - X @ wanted) ** 2).sum(0) / (near[:, None] * y**2).sum(0)
    np.testing.assert_allclose(r2, 1 - left, atol=1e-6)


def test_superpixels_cover_the_image_and_do_not_depend_on_its_range(photographs):
    image = photographs["chelsea"][::4, ::4].astype(np.float32)
    labels = lime.superpixels(image, 30)
    assert labels.shape == image.shape[:2]
    assert sorted(set(labels.ravel())) == list(range(labels.max() + 1))
    assert 20 <= labels.max() <= 40
    np.testing.assert_array_equal(lime.superpixels(image / 128 - 1, 30), labels)
    assert lime.superpixels(np.zeros((8, 8, 1), np.float32), 4).min() == 0


def test_a_constant_answer_has_no_weights_and_explains_nothing():
    import keras

    layers = keras.layers
    flat = [keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(3, activation="softmax")]
    model = keras.Sequential(flat)
    model.set_weights([np.zeros((192, 3)), np.zeros(3)])
    got = Explainer(model, None, "lime", perturbations=20, superpixels=4)(tiny.images(1))
    assert not got.maps.any()
    assert (got.r2[0], got.reasons[0]) == (0, "no_positive_evidence")


def test_without_its_packages_it_is_refused_with_the_extra(monkeypatch):
    monkeypatch.setattr("sgcampp.explain.method.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'sgcampp\[perturbation\]'"):
        METHODS["lime"].check_installed()
    with pytest.raises(UserError, match="lime needs scikit-image and scikit-learn"):
        Explainer(tiny.relu_cnn().model, None, ["grad_cam", "lime"])
    METHODS["occlusion"].check_installed()
