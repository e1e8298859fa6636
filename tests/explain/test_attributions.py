"""DeepLIFT and integrated gradients from baselines: captum's numbers, sums, refusals, a patch."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tiny

from scripts.oracles import networks
from sgcampp import Explainer

CAPTUM = json.loads((Path(__file__).parent / "oracles" / "attributions.json").read_text("utf-8"))
METHODS = ["deep_lift", "integrated_gradients"]


def network(activation):
    """Keras's own of `scripts.oracles.networks`."""
    import keras

    layers, f = keras.layers, activation
    if activation == "leaky_relu":
        f = layers.LeakyReLU(networks.LEAK)
    with tiny.dtype_policy("float64"):
        model = keras.Sequential(
            [
                keras.Input((networks.SIDE, networks.SIDE, networks.CHANNELS)),
                layers.Conv2D(networks.MAPS, 3, padding="same", name="features"),
                layers.MaxPooling2D(2),
                layers.Conv2D(networks.MAPS, 3, activation=f),
                layers.Flatten(),
                layers.Dense(networks.HIDDEN, activation=f),
                layers.Dense(networks.CLASSES),
            ]
        )
    model.set_weights(list(networks.weights()))
    return model


@pytest.mark.parametrize("activation", networks.ACTIVATIONS)
def test_attributions_are_captum_s(activation):
    explain = Explainer(
        network(activation), None, METHODS, baseline=networks.baseline(), ig_steps=CAPTUM["steps"]
    )
    found = explain.each(networks.images().astype(np.float32), networks.classes())
    oracle = CAPTUM[activation]
    for got in found:
        wanted = np.abs(oracle[got.method])
        np.testing.assert_allclose(got.maps, wanted, rtol=0, atol=1e-5 * wanted.max())
        scores = np.array(oracle["scores"])[range(3), networks.classes()]
        np.testing.assert_allclose(got.scores, scores, rtol=1e-6)
    assert found[0].completeness.max() < 1e-5


# Contributions add up.


def deep_network(activation, dtype="float32"):
    """What modern networks are made of: batch and layer norms, gates, pools, skips."""
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    with tiny.dtype_policy(dtype):
        image = keras.Input((8, 8, 3))
        x = layers.Conv2D(6, 3, padding="same", use_bias=False)(layers.Rescaling(2, 0.1)(image))
        x = layers.Activation(activation, name="features")(layers.BatchNormalization()(x))
        x = layers.MaxPooling2D(3, 2, padding="same")(x)
        gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
        gate = layers.Conv2D(3, 1, activation=activation)(gate)
        x = layers.Multiply()([x, layers.Conv2D(6, 1, activation="sigmoid")(gate)])
        deeper = layers.DepthwiseConv2D(3, padding="same")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Activation(activation)(deeper)])
        # As windows of pixels do it, which are joined with the rows of the batch.
        x = layers.Dense(5, activation=activation)(keras.ops.reshape(x, (-1, 6)))
        x = keras.ops.reshape(x, (-1, 4, 4, 5))
        x = layers.Concatenate()([layers.GlobalMaxPooling2D()(x), layers.Flatten()(x)])
        return keras.Model(image, layers.Dense(tiny.CLASSES, activation="softmax")(x))


@pytest.mark.parametrize(
    ("activation", "dtype"),
    [
        *((name, "float32") for name in ("relu", "relu6", "silu", "gelu")),
        *((name, "float64") for name in ("sigmoid", "tanh", "leaky_relu", "softplus", "mish")),
    ],
)
def test_contributions_of_deep_lift_add_up(activation, dtype):
    images = 3 * tiny.images(4)
    got = Explainer(deep_network(activation, dtype), None, "deep_lift", baseline="blur")(images)
    assert got.maps.max() > 0
    assert got.completeness.max() < 1e-4


@cache
def gated():
    return deep_network("silu", "float64")


def test_completeness_is_what_the_contributions_miss():
    """Of a model of one pixel, and so of one contribution: it is the rise itself."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(2)
    with tiny.dtype_policy("float64"):
        model = keras.Sequential(
            [
                keras.Input((1, 1, 3)),
                layers.Conv2D(5, 1, activation="silu"),
                layers.Flatten(),
                layers.Dense(4, activation="gelu"),
                layers.Dense(2),
            ]
        )
    x = tiny.images(1)[0, :3, 0].reshape(-1, 1, 1, 3)
    for baseline in ("zeros", x[0] / 2):
        start = 0 * x[:1] if isinstance(baseline, str) else baseline[None]
        got = Explainer(model, None, "deep_lift", baseline=baseline)(x, 1)
        rise = (model(x) - model(start)).numpy()[:, 1]
        np.testing.assert_allclose(got.maps.ravel(), np.abs(rise), rtol=1e-5)
        assert got.completeness.max() < 1e-5


def test_contrasts_add_up_too():
    got = Explainer(gated(), None, "deep_lift")(tiny.images(2), "0-vs-2")
    scores = gated_logits(tiny.images(2)) - gated_logits(0 * tiny.images(2))
    np.testing.assert_allclose(got.completeness, 0, atol=1e-6)
    assert np.abs(scores[:, 0] - scores[:, 2]).min() > 0.01


def gated_logits(images):
    import keras

    model = gated()
    return keras.Model(model.inputs, model.layers[-1].input)(images).numpy() @ (
        model.layers[-1].kernel.numpy()
    )


def test_batches_and_neighbours_make_no_difference(monkeypatch):
    images, order = tiny.images(5), [3, 0, 4, 2, 1]
    settings = {"baseline": "blur", "ig_steps": 3, "ig_tolerance": 1e-2}
    explain = Explainer(gated(), None, METHODS, batch_size=16, **settings)
    whole = explain.each(images)
    assert len(set(whole[1].ess)) > 1
    for batch_size in (1, 3):
        monkeypatch.setattr(explain, "batch_size", batch_size)
        found, moved = explain.each(images), explain.each(images[order])
        for got, other, wanted in zip(found, moved, whole, strict=True):
            for field in ("maps", "ess", "completeness"):
                np.testing.assert_array_equal(getattr(got, field)[order], getattr(other, field))
            np.testing.assert_array_equal(got.ess, wanted.ess)
            atol = 1e-6 * wanted.maps.max()
            np.testing.assert_allclose(got.maps, wanted.maps, rtol=0, atol=atol)


def test_frozen_and_compiled_give_the_same():
    model, images = deep_network("relu6"), tiny.images(2)
    plain = Explainer(model, None, "deep_lift")(images).maps
    for settings in ({"frozen": True}, {"jit": True}):
        got = Explainer(model, None, "deep_lift", **settings)(images).maps
        np.testing.assert_allclose(got, plain, rtol=0, atol=1e-4 * plain.max())


def test_an_image_that_is_its_own_baseline_gets_nothing():
    images = tiny.images(2)
    found = Explainer(gated(), None, METHODS, baseline=images[0], ig_tolerance=0.1).each(images)
    for got in found:
        assert not got.maps[0].any()
        assert got.maps[1].any()
        assert got.completeness[0] == 0


# Where a patch decides, maps say so.


@pytest.mark.parametrize("baseline", ["zeros", "blur"])
def test_the_largest_contribution_lies_in_the_patch_that_decides(baseline):
    """Class 1 scores how red a patch of the image is, class 0 how bright the rest."""
    import keras

    layers = keras.layers
    inside = np.zeros((16, 16), bool)
    inside[4:8, 9:13] = True
    weights = np.stack([np.where(inside, 0, 0.01), np.where(inside, 1, 0)], -1)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(1, 1, activation="silu", name="features"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    kernel = np.array([3, -1, -1]).reshape(1, 1, 3, 1)
    model.set_weights([kernel, np.zeros(1), weights.reshape(-1, 2), np.zeros(2)])
    rng = np.random.default_rng(5)
    images = rng.uniform(-1, 1, (4, 16, 16, 3)).astype(np.float32)
    images[:, inside] = rng.uniform(0.5, 1, (4, inside.sum(), 3)) * [1, 0.1, 0.1]
    images[:, 5, 10, 0] = 3
    for got in Explainer(model, None, METHODS, baseline=baseline).each(images, 1):
        for L in got.maps:
            assert inside.ravel()[L.argmax()]
