"""The engine against Eq. 1–8 as float64 loops with hand-derived gradients (tests/reference.py)."""

import numpy as np
import pytest
import reference
import tiny

from sgcampp import Explainer, noised_samples

CHOICES = [
    {},
    {"score": "logit"},
    {"alpha_numerator": "first"},
    {"activations": "mean"},
    {"average": "maps"},
    {"alpha_guard": "none"},
    {"noise_scale": "absolute"},
    {"average": "maps", "activations": "mean"},
    {"score": "logit", "alpha_numerator": "first", "activations": "mean"},
]
SELECTIONS = [
    {},
    {"filters": [3]},
    {"filters": [4, 0, 2]},
    {"region": True, "subset": [(0, 3), (5, 6)]},
    {"subset": [(1, 1), (7, 0), (4, 5)]},
    {"filters": [1, 4], "region": True, "subset": [(6, 6), (2, 0)]},
]
STD_DEV, SEED = 0.3, 7


def neurons_of(selection):
    corners = selection.get("subset")
    if corners is None or not selection.get("region"):
        return corners
    (r0, c0), (r1, c1) = corners
    rows, columns = sorted((r0, r1)), sorted((c0, c1))
    return [(i, j) for i in range(rows[0], rows[1] + 1) for j in range(columns[0], columns[1] + 1)]


def oracle(twin, x, c, n, selection, choices):
    scale = choices.get("noise_scale", "range")
    noised = [twin.sample(z, c) for z in noised_samples(x, n, STD_DEV, SEED, scale)]
    choices = {name: value for name, value in choices.items() if name != "noise_scale"}
    return reference.smooth_grad_cam_pp(
        twin.sample(x, c),
        noised,
        filters=selection.get("filters"),
        neurons=neurons_of(selection),
        **choices,
    )


def assert_agrees(twin, n, selection, choices, batch_size=16, tolerance=1e-5, count=2):
    images = tiny.images(count)
    explain = Explainer(
        twin.model,
        "features",
        nsamples=n,
        std_dev=STD_DEV,
        seed=SEED,
        batch_size=batch_size,
        **selection,
        **choices,
    )
    got = explain(images)
    for i, x in enumerate(images):
        assert got.class_idx[i] == np.argmax(twin.logits(x))
        L, single, log_scale, guarded = oracle(twin, x, got.class_idx[i], n, selection, choices)
        assert L.max() > 0 or got.reasons[i]
        np.testing.assert_allclose(got.maps[i], L, rtol=0, atol=tolerance * max(L.max(), 1e-30))
        for of_filter, expected in zip(
            [] if got.filter_maps is None else got.filter_maps[i], single, strict=True
        ):
            atol = tolerance * max(expected.max(), 1e-30)
            np.testing.assert_allclose(of_filter, expected, rtol=0, atol=atol)
        assert got.log_scale[i] == pytest.approx(log_scale, abs=1e-5)
        if guarded is not None:
            assert got.guarded[i] == guarded


@pytest.mark.parametrize("n", [0, 17])
@pytest.mark.parametrize("choices", CHOICES, ids=str)
def test_agrees_for_every_choice(twin64, n, choices):
    assert_agrees(twin64, n, {}, choices, tolerance=1e-6)


@pytest.mark.parametrize("choices", [{}, {"average": "maps"}, {"activations": "mean"}], ids=str)
@pytest.mark.parametrize("selection", SELECTIONS[1:], ids=str)
def test_agrees_for_filters_regions_and_neurons(twin64, selection, choices):
    assert_agrees(twin64, 5, selection, choices, tolerance=1e-6)


@pytest.mark.parametrize(
    ("n", "batch_size"),
    [(0, 1), (0, 2), (1, 2), (1, 7), (5, 1), (5, 5), (17, 1), (17, 7), (17, 32)],
)
def test_agrees_for_every_batch_size(twin64, n, batch_size):
    assert_agrees(twin64, n, {}, {}, batch_size=batch_size, tolerance=1e-6, count=3)


@pytest.mark.parametrize("batch_size", [2, 7])
def test_agrees_for_every_batch_size_in_float32(twin, batch_size):
    """Where Eq. 7 divides by nearly 0, float32's last digits count a hundredfold."""
    assert_agrees(twin, 17, {}, {}, batch_size=batch_size, tolerance=1e-4, count=3)


@pytest.mark.parametrize("choices", CHOICES, ids=str)
def test_agrees_in_float32(twin, choices):
    assert_agrees(twin, 5, {"filters": [0, 3]}, choices)


def test_grad_cam_is_eq_1(twin64):
    images = tiny.images(3)
    for selection in SELECTIONS:
        got = Explainer(twin64.model, "features", "grad_cam", **selection)(images)
        for i, x in enumerate(images):
            clean = twin64.sample(x, got.class_idx[i])
            L = reference.grad_cam(clean, selection.get("filters"), neurons_of(selection))
            np.testing.assert_allclose(got.maps[i], L, rtol=0, atol=1e-6 * max(L.max(), 1e-30))


def test_effective_sample_size_is_that_of_the_weights(twin64):
    x = tiny.images(1)
    got = Explainer(twin64.model, "features", nsamples=9, std_dev=1.0, seed=3)(x)
    samples = [twin64.sample(z, got.class_idx[0]) for z in noised_samples(x[0], 9, 1.0, 3)]
    assert got.ess[0] == pytest.approx(reference.effective_samples(samples, "exp_logit"), 1e-6)
    assert 1 < got.ess[0] < 9


def test_hand_derived_gradients_are_finite_differences():
    twin = tiny.relu_cnn(dtype="float64")
    A = reference.convolution_relu(tiny.images(1)[0], twin.kernel, twin.bias)
    expected = reference.finite_differences(lambda a: reference.head(a, *twin.head)[1], A)
    got = reference.head_gradient(A, *twin.head, 1)
    # Where all of a pooling window is 0 the score has a kink: which of them is "the" maximum?
    pooled, _ = reference.max_pool(A)
    smooth = np.repeat(np.repeat(pooled > 0, 2, 0), 2, 1)
    assert smooth.sum() > 200
    np.testing.assert_allclose(got[smooth], expected[smooth], atol=1e-9)


def test_literal_maps_do_not_depend_on_the_scale_of_scores(twin64):
    """e^{log_scale} * array is the paper's unnormalised L, here worked without any rescaling."""
    x = tiny.images(1)[0]
    got = Explainer(twin64.model, "features", nsamples=5, std_dev=STD_DEV, seed=SEED)(x[None])
    c = got.class_idx[0]
    samples = [twin64.sample(z, c) for z in noised_samples(x, 5, STD_DEV, SEED)]
    D = [sum(np.exp(S) * g**order for _, S, g in samples) / 5 for order in (1, 2, 3)]
    A = twin64.sample(x, c)[0]
    denominator = 2 * D[1] + A.sum((0, 1)) * D[2]
    kept = denominator > 1e-3 * D[1]
    alpha = np.where(kept, D[1], 0) / np.where(kept, denominator, 1)
    L = np.maximum(((alpha * np.maximum(D[0], 0)).sum((0, 1)) * A).sum(-1), 0)
    np.testing.assert_allclose(
        np.exp(got.log_scale[0]) * got.maps[0].astype(np.float64), L, atol=1e-6 * L.max()
    )
