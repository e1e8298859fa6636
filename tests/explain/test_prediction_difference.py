"""Prediction difference against the closed form on a linear-Gaussian toy, and by brute force."""

import numpy as np
import pytest
import tiny

from sgcampp import Explainer, UserError
from sgcampp.explain.patches import fit
from sgcampp.explain.perturbation import Perturbing
from sgcampp.explain.prediction_difference import places

SIDE, WINDOW, STRIDE, SAMPLES = 8, 3, 2, 3000
RNG = np.random.default_rng(5)
ROOT = RNG.normal(size=(SIDE * SIDE, SIDE * SIDE)) / 8 + np.eye(SIDE * SIDE)


def smooth_images(count, seed=0):
    """Gaussian images [count, 8, 8, 1] whose neighbours are alike: a stationary field."""
    rng = np.random.default_rng(seed)
    wide = rng.normal(size=(count, SIDE + 2, SIDE + 2))
    rows = wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]
    return (rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:])[..., None].astype(np.float32) / 3


def linear_model(weights):
    """p_0 = 1/2 + a·x, exactly: a softmax of the logarithms of two linear functions."""
    import keras

    layers = keras.layers
    inputs = keras.Input((SIDE, SIDE, 1))
    both = layers.Dense(2, name="linear")(layers.Flatten()(inputs))
    outputs = keras.ops.softmax(keras.ops.log(both))
    model = keras.Model(inputs, outputs)
    a = weights.reshape(-1, 1)
    model.get_layer("linear").set_weights([np.concatenate([a, -a], 1), np.array([0.5, 0.5])])
    return model


def expected_pixels(gaussian, x, corner, given):
    """E[x | all but the window], of the patch of side 7 around it, by the precision matrix."""
    y, left = np.clip(np.array(corner) - 2, 0, SIDE - gaussian.side)
    patch = x[y : y + gaussian.side, left : left + gaussian.side, 0].ravel().astype(np.float64)
    inside = np.zeros((gaussian.side, gaussian.side), bool)
    row, column = corner[0] - y, corner[1] - left
    inside[row : row + WINDOW, column : column + WINDOW] = True
    own = inside.ravel()
    mean = gaussian.mean[own]
    if given:
        precision = np.linalg.inv(gaussian.covariance)
        pull = np.linalg.solve(precision[np.ix_(own, own)], precision[np.ix_(own, ~own)])
        mean = mean - pull @ (patch - gaussian.mean)[~own]
    filled = x[..., 0].astype(np.float64).copy()
    filled[corner[0] : corner[0] + WINDOW, corner[1] : corner[1] + WINDOW] = mean.reshape(
        WINDOW, WINDOW
    )
    return filled


@pytest.mark.parametrize("sampler", ["conditional", "marginal"])
def test_weights_of_evidence_are_the_closed_form_of_a_linear_model(sampler):
    a = RNG.normal(size=(SIDE, SIDE)) / 300
    examples = smooth_images(60)
    images = smooth_images(2, seed=9)
    explain = Explainer(
        linear_model(a),
        None,
        "prediction_difference",
        examples=examples,
        window=WINDOW,
        stride=STRIDE,
        sampler=sampler,
        perturbations=SAMPLES,
        batch_size=2000,
    )
    got = explain(images, 0)
    assert got.signed
    settings = Perturbing(window=WINDOW, stride=STRIDE)
    corners = places(settings, (SIDE, SIDE))
    assert got.perturbations == len(corners) * SAMPLES == 16 * SAMPLES
    assert corners.max() == SIDE - WINDOW
    gaussian = fit(examples, 7, 0)
    for x, L in zip(images, got.maps, strict=True):
        p = 0.5 + (a * x[..., 0]).sum()
        total, times = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
        for corner in corners:
            filled = expected_pixels(gaussian, x, corner, sampler == "conditional")
            without = 0.5 + (a * filled).sum()
            evidence = np.log2(p / (1 - p)) - np.log2(without / (1 - without))
            here = np.s_[corner[0] : corner[0] + WINDOW, corner[1] : corner[1] + WINDOW]
            total[here] += evidence
            times[here] += 1
        wanted = total / times
        # A mean of 3000 samples misses by about 1/55 of their deviation.
        np.testing.assert_allclose(L, wanted, atol=0.06 * np.abs(wanted).max())
        assert np.corrcoef(L.ravel(), wanted.ravel())[0, 1] > 0.995


def test_the_gaussian_is_the_patches_mean_and_covariance():
    images = smooth_images(300)
    gaussian = fit(images, 3, 1)
    # Each pixel is a sum of 3 × 3 normal numbers over 3: variance 1, neighbours 2/3, next 1/3.
    assert gaussian.channels == 1
    np.testing.assert_allclose(gaussian.mean, 0, atol=0.15)
    wanted = np.array([[1, 2 / 3, 1 / 3], [2 / 3, 4 / 9, 2 / 9], [1 / 3, 2 / 9, 1 / 9]])
    np.testing.assert_allclose(gaussian.covariance[0].reshape(3, 3), wanted, atol=0.15)
    again = fit(iter(images), 3, 1)
    np.testing.assert_array_equal(again.covariance, gaussian.covariance)
    assert not np.array_equal(fit(images, 3, 2).covariance, gaussian.covariance)


def test_samples_have_the_conditional_mean_and_covariance():
    gaussian = fit(smooth_images(100), 5, 0)
    window = gaussian.window(1, 2, 2, given=True)
    patch = smooth_images(1, seed=3)[:, :5, :5]
    samples = window.means(patch) + window.deviations(40_000, 0)
    own = np.zeros((5, 5), bool)
    own[1:3, 2:4] = True
    own = own.ravel()
    S, x = gaussian.covariance, patch.ravel().astype(np.float64)
    gain = S[np.ix_(own, ~own)] @ np.linalg.inv(S[np.ix_(~own, ~own)])
    mean = gaussian.mean[own] + gain @ (x - gaussian.mean)[~own]
    covariance = S[np.ix_(own, own)] - gain @ S[np.ix_(~own, own)]
    flat = samples.reshape(len(samples), -1)
    np.testing.assert_allclose(flat.mean(0), mean, atol=0.02)
    np.testing.assert_allclose(np.cov(flat.T), covariance, atol=0.02)


def test_a_contrast_weighs_the_odds_of_two_classes():
    """For two windows' worth of samples by brute force: odds of means, not means of odds."""
    twin = tiny.relu_cnn()
    examples, images = tiny.images(20, seed=4), tiny.images(1)
    settings = {"window": 8, "stride": 8, "perturbations": 5, "examples": examples}
    explain = Explainer(twin.model, None, "prediction_difference", **settings)
    contrast = explain(images, "0-vs-2").maps[0]
    assert np.ptp(contrast) == 0
    gaussian = fit(examples, 8, 0)
    window = gaussian.window(0, 0, 8, given=True)
    samples = window.means(images) + window.deviations(5, 0)
    p = twin.model(samples.astype(np.float32)).numpy().astype(np.float64).mean(0)
    clean = twin.model(images).numpy()[0].astype(np.float64)
    wanted = np.log2(clean[0] / clean[2]) - np.log2(p[0] / p[2])
    np.testing.assert_allclose(contrast[0, 0], wanted, atol=1e-5)
    one = explain(images, 0).maps[0, 0, 0]
    wanted = np.log2(clean[0] / (1 - clean[0])) - np.log2(p[0] / (1 - p[0]))
    np.testing.assert_allclose(one, wanted, atol=1e-5)


def test_without_examples_or_probabilities_it_is_refused():
    twin = tiny.relu_cnn()
    with pytest.raises(UserError, match="give examples"):
        Explainer(twin.model, None, "prediction_difference")
    import keras

    flat = [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    explain = Explainer(
        keras.Sequential(flat), None, "prediction_difference", examples=tiny.images(2)
    )
    with pytest.raises(UserError, match="this model's head gives no probabilities"):
        explain(tiny.images(1))


def test_windows_whose_covariance_fits_no_memory_are_refused():
    import keras

    layers = keras.layers
    large = [keras.Input((80, 80, 3)), layers.GlobalAveragePooling2D(), layers.Dense(2, "softmax")]
    images = np.zeros((1, 80, 80, 3), np.float32)
    settings = {"examples": images, "window": 48}
    explain = Explainer(keras.Sequential(large), None, "prediction_difference", **settings)
    with pytest.raises(UserError, match=r"52 × 52 pixels, which is too large: .* at most 47"):
        explain(images)
