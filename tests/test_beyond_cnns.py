"""Vision transformers, mixers, channels-first and windowed networks, explained like any other."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import transformers
from keras import layers as kl

import sgcampp
from sgcampp import Explainer, UserError


@pytest.fixture(scope="module")
def taught():
    return transformers.trained_vit()


def by_eager_autodiff(model, layer, x, c):
    """(A, S, dS/dA) at a layer's raw output, [N, ...] each."""
    tapped, scores = model.get_layer(layer), model.get_layer("scores")
    upper = keras.Model(model.input, [tapped.output, scores.input])
    seen = []

    def watched(*args, call=tapped.call, **kwargs):
        seen.append(call(*args, **kwargs))
        tape.watch(seen[-1])
        return seen[-1]

    with tf.GradientTape() as tape:
        object.__setattr__(tapped, "call", watched)
        features = upper(x)[1]
        S = (features @ scores.kernel + scores.bias)[:, c]
    object.__delattr__(tapped, "call")
    return seen[-1].numpy(), S.numpy(), tape.gradient(S, seen[-1]).numpy()


@pytest.mark.parametrize("class_token", [True, False])
def test_maps_of_tokens_are_the_equations_on_patches(class_token):
    """Against the NumPy oracle, on gradients by eager autodiff at the raw tokens."""
    model = transformers.vit(class_token, seed=3)
    x = transformers.digits()[0][:2]
    found = Explainer(model, "block1_ln1", ["grad_cam", "grad_cam_pp"]).each(x, [4, 4])
    tokens, S, g = by_eager_autodiff(model, "block1_ln1", x, 4)
    extra = int(class_token)
    assert tokens.shape == (2, 16 + extra, transformers.WIDTH)
    for n in range(2):
        A = tokens[n, extra:].reshape(4, 4, -1).astype(np.float64)
        G = g[n, extra:].reshape(4, 4, -1).astype(np.float64)
        L = np.maximum((A * G.mean((0, 1))).sum(-1), 0)
        np.testing.assert_allclose(found[0].maps[n], L, atol=1e-5 * max(1, L.max()))
        assert found[0].scores[n] == pytest.approx(S[n], rel=1e-4)
        denominator = 2 * G**2 + A.sum((0, 1)) * G**3
        alpha = np.where(denominator > 1e-3 * G**2, G**2 / np.where(denominator, denominator, 1), 0)
        w = (alpha * np.maximum(G, 0)).sum((0, 1))
        L = np.maximum((A * w).sum(-1), 0)
        np.testing.assert_allclose(found[1].maps[n], L, rtol=1e-3, atol=1e-4 * max(1, L.max()))


def test_behind_the_last_attention_only_the_class_token_counts():
    explanation = Explainer(transformers.vit(), "last_ln", "grad_cam")(transformers.digits()[0][:2])
    assert list(explanation.reasons) == ["no_gradient"] * 2


def test_a_transformer_of_another_library_is_explained_at_its_tokens():
    from keras_hub.models import ViTBackbone, ViTImageClassifier

    sizes = {"num_layers": 2, "num_heads": 2, "hidden_dim": 24, "mlp_dim": 48}
    backbone = ViTBackbone(image_shape=(32, 32, 3), patch_size=8, **sizes)
    model = ViTImageClassifier(backbone=backbone, num_classes=4, pooling="token")
    images = np.random.default_rng(0).random((2, 32, 32, 3)).astype(np.float32)
    explanation = Explainer(model, None, "grad_cam", batch_size=2)(images)
    assert explanation.layer_name.endswith("transformer_block_2/ln_1")
    assert explanation.maps.shape == (2, 4, 4)
    assert explanation.maps.max((1, 2)).min() > 0


def test_a_batch_changes_no_map(taught):
    model, x, _ = taught
    explain = Explainer(model, None, ["hires_cam", "smooth_grad_cam_pp"], nsamples=3)
    together, alone = explain.each(x[:5]), explain.each(x[3:4])
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.maps[3], other.maps[0], rtol=1e-4, atol=1e-6)


def test_maps_of_the_taught_network_differ_by_class(taught):
    model, x, _ = taught
    explanation = Explainer(model, None, "hires_cam")(x[:40], "top2")
    first, second = np.moveaxis(explanation.maps.reshape(40, 2, -1), 1, 0)
    both = [(a, b) for a, b in zip(first, second, strict=True) if a.std() and b.std()]
    assert len(both) > 30
    assert np.median([np.corrcoef(a, b)[0, 1] for a, b in both]) < 0.5


def test_the_taught_networks_maps_are_worth_more_than_random_ones(taught):
    model, x, y = taught
    assert (np.argmax(model(x), -1) == y).mean() > 0.8
    classifier = sgcampp.load_model(model, scale=1 / 255)
    pictures = [np.repeat(np.uint8(np.rint(255 * image)), 3, -1) for image in x[:80]]
    explanations = Explainer(classifier, "block0_ln1", ["layer_cam", "hires_cam"]).each(
        classifier.preprocess(pictures)
    )
    summary = sgcampp.evaluate(
        classifier, pictures, explanations, ["insertion", "deletion"], steps=8
    )
    for series in summary.series[:2]:
        assert series.cells["insertion"].above_random, series.series.method
        assert series.cells["deletion"].above_random, series.series.method


def test_a_mixer_is_explained_and_its_transposed_layers_are_not_listed():
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = kl.Reshape((16, 12))(kl.Conv2D(12, 2, 2, name="patches")(image))
    y = kl.Permute((2, 1), name="turned")(kl.LayerNormalization(name="ln")(x))
    y = kl.Dense(16, activation="gelu", name="mixing")(y)
    x = kl.Add(name="added")([x, kl.Permute((2, 1), name="back")(y)])
    model = keras.Model(image, kl.Dense(4, name="scores")(kl.GlobalAveragePooling1D()(x)))
    explanation = Explainer(model, method="cam")(np.random.default_rng(0).random((2, 8, 8, 3)))
    assert (explanation.layer_name, explanation.maps.shape) == ("added", (2, 4, 4))
    with pytest.raises(UserError, match=r"'mixing' has an output \[12, 16\].*give tokens"):
        Explainer(model, "mixing")(np.zeros((1, 8, 8, 3)))


def test_tokens_that_cannot_be_told_are_given():
    """Two tokens before 2×8 patches of a square image."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = kl.Reshape((16, 12))(image)
    x = kl.ZeroPadding1D((2, 0), name="padded")(kl.Dense(6, name="embedded")(x))
    x = kl.LayerNormalization(name="ln")(x)
    model = keras.Model(image, kl.Dense(3)(kl.GlobalMaxPooling1D()(x)))
    images = np.random.default_rng(0).random((2, 8, 8, 3))
    with pytest.raises(UserError, match=r"'ln' has an output \[18, 6\].*give tokens"):
        Explainer(model, "ln")(images)
    assert Explainer(model, "ln", tokens=(2, 8))(images).maps.shape == (2, 2, 8)
    with pytest.raises(UserError, match=r"tokens is .*accepted: rows and columns"):
        Explainer(model, "ln", tokens=[4])


def test_channels_first_gives_the_maps_of_channels_last():
    """One network with its axes turned, weights alike."""
    keras.utils.set_random_seed(0)

    def network(first):
        image = keras.Input((8, 8, 3))
        x = kl.Permute((3, 1, 2), name="turned")(image) if first else image
        way = {"data_format": "channels_first" if first else "channels_last"}
        x = kl.Conv2D(5, 3, padding="same", name="conv", **way)(x)
        x = kl.ReLU(name="relu")(x)
        x = kl.MaxPooling2D(2, name="pool", **way)(x)
        x = kl.Flatten(**way)(x)
        return keras.Model(image, kl.Dense(4, activation="softmax")(kl.ReLU()(x)))

    last, first = network(False), network(True)
    first.set_weights(last.get_weights())
    images = np.random.default_rng(0).uniform(-1, 1, (3, 8, 8, 3)).astype(np.float32)
    methods = ["grad_cam_pp", "smooth_grad_cam_pp"]
    for one, other in zip(
        *(Explainer(m, "relu", methods, nsamples=3).each(images) for m in (last, first)),
        strict=True,
    ):
        assert one.maps.any()
        np.testing.assert_allclose(one.maps, other.maps, rtol=1e-4, atol=1e-6)
    assert Explainer(first)(images).layer_name == "relu"


class Windowed(keras.layers.Layer):
    """Mixes within 2×2 windows of [N, 4, 4, D], as a Swin Transformer's block does."""

    def build(self, shape):
        self.inside = kl.Dense(shape[-1], name="inside")
        self.inside.build((None, 4, shape[-1]))

    def call(self, x):
        depth = x.shape[-1]
        windows = keras.ops.reshape(x, (-1, 2, 2, 2, 2, depth))
        windows = keras.ops.reshape(
            keras.ops.transpose(windows, (0, 1, 3, 2, 4, 5)), (-1, 4, depth)
        )
        mixed = keras.ops.reshape(self.inside(windows), (-1, 2, 2, 2, 2, depth))
        return keras.ops.reshape(keras.ops.transpose(mixed, (0, 1, 3, 2, 4, 5)), (-1, 16, depth))


def test_windows_are_refused_and_what_joins_them_is_explained():
    image = keras.Input((8, 8, 3))
    x = kl.Conv2D(6, 2, 2, name="patches")(image)
    x = Windowed(name="block")(x)
    model = keras.Model(image, kl.Dense(3)(kl.GlobalAveragePooling1D()(kl.Activation("gelu")(x))))
    images = np.random.default_rng(0).random((2, 8, 8, 3))
    assert Explainer(model, "block", "grad_cam")(images).maps.shape == (2, 4, 4)
    with pytest.raises(UserError, match="'block/inside' holds windows"):
        Explainer(model, "block/inside")(images)


def test_volumes_are_refused_in_words():
    image = keras.Input((8, 8, 3))
    x = kl.Reshape((4, 2, 8, 3), name="film")(image)
    x = kl.Conv3D(2, 1, name="volume")(x)
    model = keras.Model(image, kl.Dense(3)(kl.GlobalAveragePooling3D()(x)))
    images = np.zeros((1, 8, 8, 3), np.float32)
    with pytest.raises(UserError, match=r"'volume' has an output \[4, 2, 8, 2\].*volumes"):
        Explainer(model, "volume")(images)
    with pytest.raises(UserError, match=r"no layer with a \[h, w, K\] output"):
        Explainer(model)(images)
