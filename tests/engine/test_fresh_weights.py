"""Weights drawn anew: by each layer's own initialiser, alive through batch normalisation, apart."""

import keras
import numpy as np
import pytest
import tiny

from sgcampp.engine.baselines import Baselines
from sgcampp.engine.fresh_weights import FreshWeights

SHAPE = (tiny.SIZE, tiny.SIZE, tiny.CHANNELS)


@keras.saving.register_keras_serializable("tests")
class Scaled(keras.layers.Layer):
    """Weights without an initialiser that anybody could ask for."""

    def build(self, shape):
        self.mix = self.add_weight(shape=(shape[-1], shape[-1]), initializer="zeros", name="mix")
        self.shift = self.add_weight(shape=(), initializer="ones", name="shift")

    def call(self, x):
        return x @ self.mix + self.shift


def network():
    """Every kind of weight; the inner part is frozen and trained far from its start."""
    layers = keras.layers
    inner = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(6, 3, padding="same", kernel_initializer="he_normal", use_bias=False),
            layers.BatchNormalization(momentum=1.0),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, padding="same", depthwise_initializer="ones"),
            layers.BatchNormalization(),
        ],
        name="inner",
    )
    inner.trainable = False
    model = keras.Sequential(
        [
            inner,
            layers.GlobalAveragePooling2D(),
            Scaled(),
            layers.Dense(4, bias_initializer=keras.initializers.Constant(0.5)),
            layers.Softmax(),
        ]
    )
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(1, 2, w.shape) for w in model.get_weights()])
    return model


def values(model, fresh):
    with fresh.in_place():
        return [np.array(variable.value) for variable in model.weights]


@pytest.fixture(scope="module")
def model():
    return network()


def test_each_layer_starts_as_it_would_and_the_model_stays(model):
    before, x = model.get_weights(), tiny.images(8)
    answer = model(x, training=False).numpy()
    fresh = FreshWeights(model, x, seed=3)
    found = {v.path: w for v, w in zip(model.weights, values(model, fresh), strict=True)}
    by = {path.rpartition("/")[2]: w for path, w in found.items()}
    assert by["mix"].std() > 0  # no initialiser: Glorot and Bengio's rule
    assert abs(by["mix"]).max() <= (6 / 12) ** 0.5
    assert by["shift"] == before[[v.name for v in model.weights].index("shift")]
    ones = [w for path, w in found.items() if "depthwise" in path and w.ndim == 4]
    assert (ones[0] == 1).all()
    assert any((w == 0.5).all() for w in found.values())  # the dense layer's bias
    for now, was in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, was)
    np.testing.assert_array_equal(model(x, training=False).numpy(), answer)
    assert "call" not in vars(model.layers[0].layers[1])


def test_the_same_seed_the_same_weights(model):
    x = tiny.images(4)
    first, again, other = (values(model, FreshWeights(model, x, s)) for s in (3, 3, 4))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_batch_normalisation_takes_the_statistics_of_the_new_weights(model):
    """Of the images given, each channel comes out with mean 0 and deviation 1, trained or not."""
    x = tiny.images(8)
    fresh = FreshWeights(model, x, seed=1)
    inner = model.layers[0]
    with fresh.in_place():
        out = inner(x, training=False).numpy()
    np.testing.assert_allclose(out.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(out.std((0, 1, 2)), 1, atol=0.02)


def test_a_traced_engine_keeps_them():
    from sgcampp.api.explainer import Explainer
    from sgcampp.engine.ensemble import Ensemble
    from sgcampp.explain.classes import NO_CLASS

    model, x = tiny.affine_cnn(), tiny.images(3)
    copy = keras.models.clone_model(model)
    fresh = FreshWeights(model, x, seed=5)
    copy.set_weights(values(model, fresh))
    looks = Explainer(model, "features", "grad_cam_pp").looks
    with fresh.in_place():
        ensemble = Ensemble(model, SHAPE, looks, 1, Baselines(np.zeros(3, np.float32)))
    codes = np.full((3, 1, 2), [2, NO_CLASS], np.int32)
    found = ensemble.run(x, codes, ensemble.lay_out(3, 3)).maps[looks[0]].whole[:, 0]
    expected = Explainer(copy, "features", "grad_cam_pp")(x, 2).maps
    assert expected.any()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
