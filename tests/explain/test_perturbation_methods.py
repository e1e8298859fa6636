"""Methods that hide parts of an image, against other libraries, loops and a planted patch."""

import fixed_network
import numpy as np
import pytest
import tiny
from fixed_network import CLASSES, IMAGES, found

from scripts.oracles import network
from sgcampp import Explainer, UserError
from sgcampp.explain.method import METHODS, Needs

PERTURBING = [name for name, one in METHODS.items() if one.needs is Needs.SCORES]
QUICK = {"perturbations": 40, "window": 4, "superpixels": 6}


def quick(name, **settings):
    """Settings that run in a moment."""
    count = {"perturbations": 4, "examples": tiny.images(9, seed=8)}
    return {**QUICK, **(count if name == "prediction_difference" else {}), **settings}


@pytest.fixture(scope="module")
def model():
    return fixed_network.keras_model()


def explained(model, name, layer=None, batch_size=7, **settings):
    explain = Explainer(model, layer, name, batch_size=batch_size, **settings)
    return explain(IMAGES, CLASSES)


def close(got, wanted):
    np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-6 * np.abs(wanted).max())


def test_the_network_is_the_one_that_the_others_saw(model):
    logits = np.log(model(IMAGES).numpy())
    wanted = found("captum", "logits")
    close(logits - logits[:, :1], wanted - wanted[:, :1])


def test_occlusion_is_captums(model):
    got = explained(model, "occlusion", window=network.WINDOW, stride=network.STRIDE, sign="signed")
    wanted = found("captum", "occlusion")
    assert wanted.min() < 0 < wanted.max()
    close(got.maps, wanted)
    assert got.perturbations == 16
    assert (got.layer_name, got.signed) == ("input", True)


def test_rise_is_its_formula_in_torch(model):
    got = explained(model, "rise", perturbations=network.GRIDS)
    close(got.maps, found("captum", "rise"))
    assert got.perturbations == network.GRIDS


@pytest.mark.parametrize("layer", ["features", "deep"])
def test_score_cam_is_pytorch_grad_cams(model, layer):
    got = explained(model, "score_cam", layer)
    close(got.maps, found("grad_cam", layer))
    assert got.perturbations == {"features": 4, "deep": 5}[layer]
    assert got.layer_name == layer


def test_score_cam_is_bounded_by_filters_and_neurons(model):
    """By brute force in NumPy: masks of two feature maps, cut to a box of neurons."""
    kept, box = [3, 0], [(0, 1), (7, 9)]
    got = explained(model, "score_cam", "features", filters=kept, region=True, subset=box)
    k1, b1 = (w.astype(np.float64) for w in network.weights()[:2])
    import reference

    for x, c, L, single in zip(IMAGES, CLASSES, got.maps, got.filter_maps, strict=True):
        A = reference.convolution_relu(x, k1, b1)[..., kept]
        inside = np.zeros(A.shape[:2])
        inside[0:8, 1:10] = 1
        A = A * inside[..., None]
        masks = (A - A.min((0, 1))) / (A.max((0, 1)) - A.min((0, 1)))
        under = np.stack([x * masks[..., f, None] for f in range(2)]).astype(np.float32)
        scores = np.log(model(under).numpy())
        # a softmax over feature maps of scores: logits, of which log p lacks a constant an image
        logits = _logits(model, under)[:, c]
        assert not np.allclose(scores[:, c], logits)
        alpha = np.exp(logits - logits.max())
        alpha /= alpha.sum()
        close(L, (alpha * A).sum(-1))
        close(single, np.moveaxis(alpha * A, -1, 0))
    assert got.perturbations == 2


def _logits(model, inputs):
    import keras

    head = model.layers[-1]
    before = keras.Model(model.inputs[0], head.input)(inputs).numpy()
    return before @ head.kernel.numpy() + head.bias.numpy()


@pytest.mark.parametrize("fill", ["black", "mean", "blur"])
def test_occlusion_by_brute_force_with_each_fill(model, fill):
    import cv2

    black = np.array([-1, 0.5, 0.25], np.float32)
    from sgcampp.engine.baselines import Baselines
    from sgcampp.engine.ensemble import Ensemble
    from sgcampp.explain.classes import NO_CLASS

    explain = Explainer(model, None, "occlusion", fill=fill, window=6, stride=6, sign="signed")
    ensemble = Ensemble(model, IMAGES.shape[1:], explain.looks, 1, Baselines(black))
    codes = np.array([[[c, NO_CLASS]] for c in CLASSES], np.int32)
    result = ensemble.run(IMAGES, codes, ensemble.lay_out(8, 2))
    ((maps,),) = (list(result.maps.values()),)
    for x, c, L in zip(IMAGES, CLASSES, maps.whole[:, 0], strict=True):
        fills = {"black": black, "mean": x.mean((0, 1)), "blur": cv2.GaussianBlur(x, (11, 11), 5)}
        for y, left in np.ndindex(2, 2):
            window = np.zeros((12, 12, 1), bool)
            window[6 * y : 6 * y + 6, 6 * left : 6 * left + 6] = True
            under = np.where(window, fills[fill], x).astype(np.float32)
            fall = _logits(model, x[None])[0, c] - _logits(model, under[None])[0, c]
            np.testing.assert_allclose(L[window[..., 0]], fall, atol=1e-5)


@pytest.mark.parametrize("name", PERTURBING)
def test_neither_batches_nor_neighbours_make_a_difference(name):
    twin = tiny.pixel_cnn(dtype="float64")
    images = tiny.images(5)
    explain = Explainer(twin.model, "features", name, batch_size=64, **quick(name))
    whole = explain(images, "top2")
    assert whole.maps.shape[:2] == (5, 2)
    assert whole.maps.max() > 0
    for batch_size in (1, 7):
        other = Explainer(twin.model, "features", name, batch_size=batch_size, **quick(name))
        got = other(images[::-1], "top2")
        np.testing.assert_allclose(got.maps[::-1], whole.maps, rtol=0, atol=1e-6)
    again = Explainer(twin.model, "features", name, batch_size=64, **quick(name))(images, "top2")
    np.testing.assert_array_equal(again.maps, whole.maps)


@pytest.mark.parametrize("name", ["rise", "lime"])
def test_draws_are_the_seeds(name):
    twin = tiny.relu_cnn()
    images = tiny.images(1)
    maps = [Explainer(twin.model, None, name, seed=s, **QUICK)(images).maps for s in (0, 0, 1)]
    np.testing.assert_array_equal(maps[0], maps[1])
    assert np.abs(maps[0] - maps[2]).max() > 0


@pytest.mark.parametrize("name", PERTURBING)
def test_a_contrast_is_the_difference_for_methods_that_are_linear_in_it(name):
    twin = tiny.relu_cnn()
    images = tiny.images(2)
    signed = {"sign": "signed"} if METHODS[name].sign else {}
    explain = Explainer(twin.model, "features", name, **quick(name, **signed))
    contrast = explain(images, "0-vs-2")
    assert contrast.against_idx.tolist() == [2, 2]
    if name in {"occlusion", "lime"}:
        first, second = (explain(images, c).maps for c in (0, 2))
        np.testing.assert_allclose(contrast.maps, first - second, atol=1e-5)


def planted(side=32, patch=8, seed=3, count=2):
    """Class 1 by the brightness of the lower left patch, and of nothing else; and its pictures."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((side, side, 3)),
            layers.AveragePooling2D(patch),
            layers.Conv2D(2, 1, activation="relu", name="features"),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    cells = (side // patch) ** 2
    kernel = np.ones((1, 1, 3, 2)) / 3 * [1, -1]
    dense = np.zeros((cells, 2, 2))
    dense[cells - side // patch, 0] = (-4, 4)
    model.set_weights([kernel, np.array([0, 0.5]), dense.reshape(-1, 2), np.array([2.0, -2.0])])
    rng = np.random.default_rng(seed)
    images = rng.uniform(0, 0.1, (count, side, side, 3)).astype(np.float32)
    # Plain squares, so that superpixels can keep to them.
    squares = rng.uniform(0, 0.7, (count, side // patch, side // patch, 3)).astype(np.float32)
    images += squares.repeat(patch, 1).repeat(patch, 2)
    images[:, -patch:, :patch] = images[:, -patch:, :patch] / 4 + 0.75
    return model, images


@pytest.mark.parametrize("name", PERTURBING)
def test_the_maximum_lies_in_the_planted_patch(name):
    model, images = planted()
    settings = {"window": 8, "stride": 4, "superpixels": 20}
    if name in {"rise", "lime"}:
        settings["perturbations"] = 600
    if name == "prediction_difference":
        settings["examples"] = planted(seed=7, count=30)[1]
    found = Explainer(model, "features", name, **settings)(images, 1)
    for L in found.maps:
        h, w = L.shape
        row, column = np.unravel_index(np.argmax(L), L.shape)
        assert row >= h * 3 / 4 and column < w / 4, (row, column)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 9}, "window is 9, accepted: 1 to 8, as the model's input has 8 × 8 pixels"),
        ({"window": 3, "stride": 4}, "stride is 4, accepted: 1 to 3"),
        ({"window": 0}, "window is 0, accepted: a whole number from 1"),
        ({"fill": "grey"}, "fill is 'grey', accepted: black, mean, blur"),
        ({"perturbations": 2.5}, "perturbations is 2.5, accepted"),
        ({"sampler": "joint"}, "sampler is 'joint', accepted: conditional, marginal"),
        ({"fit_images": 0}, "fit_images is 0, accepted: a whole number from 1"),
        ({"superpixels": 1}, "superpixels is 1, accepted: a whole number from 2"),
    ],
)
def test_settings_that_fit_nothing_are_refused_in_a_sentence(settings, message):
    with pytest.raises(UserError, match=message) as refused:
        Explainer(tiny.relu_cnn().model, None, "occlusion", **settings)(tiny.images(1))
    assert "\n" not in str(refused.value)


def test_a_head_without_probabilities_weighs_by_scores():
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(0)
    flat = [keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(3)]
    for name in ("rise", "lime"):
        found = Explainer(keras.Sequential(flat), None, name, **QUICK)(tiny.images(2))
        assert np.isfinite(found.maps).all() and found.maps.max((1, 2)).min() > 0


def test_score_cam_reads_layers_of_tokens():
    """At tokens, a class token before them, it is the map of the feature maps that they were."""
    import keras

    class WithClassToken(keras.layers.Layer):
        def call(self, x):
            rows = keras.ops.reshape(x, (-1, tiny.SIZE**2, tiny.MAPS))
            return keras.ops.concatenate([keras.ops.zeros_like(rows[:, :1]), rows], 1)

    layers = keras.layers
    inputs = keras.Input((tiny.SIZE, tiny.SIZE, 3))
    maps = layers.Conv2D(tiny.MAPS, 3, padding="same", activation="relu", name="features")(inputs)
    tokens = WithClassToken(name="tokens")(maps)
    outputs = layers.Dense(3, activation="softmax")(layers.Flatten()(tokens))
    model, images = keras.Model(inputs, outputs), tiny.images(2)
    of_tokens, of_maps = (
        Explainer(model, layer, "score_cam")(images) for layer in ("tokens", "features")
    )
    assert of_tokens.layer_name == "tokens"
    assert of_maps.maps.max() > 0
    np.testing.assert_allclose(of_tokens.maps, of_maps.maps, atol=1e-6)


def test_score_cam_looks_at_the_last_layer_where_smoothing_acts():
    model, images = tiny.affine_cnn(), tiny.images(2)
    found, wanted = (Explainer(model, name, "score_cam")(images) for name in ("smoothing", "early"))
    assert found.layer_name == wanted.layer_name == "early"
    np.testing.assert_array_equal(found.maps, wanted.maps)
