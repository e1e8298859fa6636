"""Every way a classifier may come, from file to map, against the same weights made plain."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from sgcampp.api.explainer import Explainer
from sgcampp.errors import UserError
from sgcampp.models.loading import load_model

SIZE, MAPS, CLASSES = 12, 5, 4
RNG = np.random.default_rng(3)
IMAGES = RNG.uniform(-1, 1, (3, SIZE, SIZE, 3)).astype(np.float32)
CONV = [RNG.normal(0, 0.3, (3, 3, 3, MAPS)), RNG.normal(0, 0.1, MAPS)]
HIDDEN = [RNG.normal(0, 0.2, (36 * MAPS, 8)), RNG.normal(0, 0.1, 8)]
LAST = [RNG.normal(0, 0.7, (8, CLASSES)), RNG.normal(0, 0.1, CLASSES)]
SMOOTH = {"nsamples": 3, "std_dev": 0.2, "seed": 5}


def parts(activation="softmax", name="conv"):
    """Conv-ReLU, max-pool, dense-ReLU, dense, unbuilt: the same network in every guise."""
    return [
        kl.Conv2D(MAPS, 3, padding="same", activation="relu", name=name),
        kl.MaxPooling2D(2),
        kl.Flatten(),
        kl.Dense(8, activation="relu"),
        kl.Dense(CLASSES, activation=activation),
    ]


def chained(layers, x):
    for layer in layers:
        x = layer(x)
    return x


def filled(model):
    model.set_weights([*CONV, *HIDDEN, *LAST])
    return model


def functional(activation="softmax", name="conv"):
    image = keras.Input((SIZE, SIZE, 3))
    return filled(keras.Model(image, chained(parts(activation, name), image)))


def sequential():
    model = keras.Sequential(parts())
    model(IMAGES)
    return filled(model)


def nested():
    conv, pool, *head = parts()
    backbone = keras.Sequential([keras.Input((SIZE, SIZE, 3)), conv, pool], name="backbone")
    image = keras.Input((SIZE, SIZE, 3))
    return filled(keras.Model(image, chained(head, backbone(image))))


def twice_nested():
    conv, pool, *head = parts()
    inner = keras.Input((SIZE, SIZE, 3))
    block = keras.Model(inner, conv(inner), name="block")
    backbone = keras.Sequential([keras.Input((SIZE, SIZE, 3)), block, pool], name="backbone")
    return filled(keras.Sequential([keras.Input((SIZE, SIZE, 3)), backbone, *head]))


@keras.saving.register_keras_serializable("sgcampp-loading")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.features, self.pool, self.flatten, self.hidden, self.last = parts()

    def call(self, x):
        return self.last(self.hidden(self.flatten(self.pool(self.features(x)))))


@keras.saving.register_keras_serializable("sgcampp-loading")
class WithItsOwnFunction(Subclassed):
    def call(self, x):
        import tensorflow as tf

        @tf.function
        def see(x):
            return self.pool(self.features(x))

        return self.last(self.hidden(self.flatten(see(x))))


@keras.saving.register_keras_serializable("sgcampp-loading")
class Block(kl.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = parts()[0]

    def call(self, x):
        return self.conv(x)


def subclassed(kind=Subclassed):
    model = kind()
    model(IMAGES)
    return filled(model)


def with_own_function():
    return subclassed(WithItsOwnFunction)


def in_a_layer():
    image = keras.Input((SIZE, SIZE, 3))
    return filled(keras.Model(image, chained([Block(name="block"), *parts()[1:]], image)))


def dotted():
    return functional(name="stage.1.conv")


def with_custom_loss():
    model = functional()

    def own_loss(y, p):
        return keras.ops.mean(keras.ops.abs(y - p))

    model.compile("adam", own_loss, metrics=[own_loss])
    return model


def with_frozen_weights_and_dropout():
    conv, pool, flatten, hidden, last = parts()
    conv.trainable = False
    image = keras.Input((SIZE, SIZE, 3))
    layers = [conv, pool, flatten, kl.Dropout(0.5), hidden, kl.Dropout(0.5), last]
    return filled(keras.Model(image, chained(layers, image)))


def explained(model, layer_name=None, images=IMAGES, targets=None, **settings):
    explanation = Explainer(model, layer_name, **{**SMOOTH, **settings})(images, targets)
    assert explanation.maps.dtype == np.float32 and np.isfinite(explanation.maps).all()
    assert (explanation.maps >= 0).all()
    return explanation


def is_the_same(one, other, rtol=1e-4):
    assert one.maps.max(axis=(-2, -1)).all(), one.reasons
    assert (one.class_idx == other.class_idx).all()
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-4, atol=1e-5)
    scale = np.exp(one.log_scale - other.log_scale)[..., None, None]
    np.testing.assert_allclose(one.maps * scale, other.maps, rtol, atol=rtol * other.maps.max())


@pytest.fixture(scope="module")
def plain():
    """What the plain functional model gives at its convolution."""
    return explained(functional(), "conv")


SAVED = [
    (functional, ".keras", "conv"),
    (functional, ".h5", "conv"),
    (functional, ".keras", None),
    (sequential, ".keras", "conv"),
    (sequential, ".h5", "conv"),
    (nested, ".keras", "backbone/conv"),
    (nested, ".keras", "conv"),
    (nested, ".h5", "backbone/conv"),
    (nested, ".h5", None),
    (twice_nested, ".keras", "backbone/block/conv"),
    (twice_nested, ".keras", "block"),
    (twice_nested, ".h5", "conv"),
    (subclassed, ".keras", "conv"),
    (subclassed, ".keras", None),
    (with_own_function, ".keras", "conv"),
    (in_a_layer, ".keras", "block/conv"),
    (in_a_layer, ".keras", "block"),
    (in_a_layer, ".h5", "conv"),
    (dotted, ".keras", "stage.1.conv"),
    (dotted, ".h5", "stage.1.conv"),
    (with_custom_loss, ".keras", "conv"),
    (with_custom_loss, ".h5", "conv"),
    (with_frozen_weights_and_dropout, ".keras", "conv"),
]


@pytest.mark.parametrize(
    ("make", "suffix", "layer"),
    SAVED,
    ids=[f"{make.__name__}{suffix}-{layer}" for make, suffix, layer in SAVED],
)
def test_saved_loaded_and_explained_like_the_plain_model(tmp_path, plain, make, suffix, layer):
    path = tmp_path / f"m.v1{suffix}"
    make().save(path)
    loaded = load_model(path)
    got = explained(loaded, layer)
    is_the_same(got, plain)
    assert got.nsamples == 3 and not got.affine_head
    if layer is None or "/" in layer:
        assert got.layer_name.rpartition("/")[2] == "conv"


@pytest.mark.parametrize("make", [sequential, nested, subclassed, with_own_function, in_a_layer])
def test_a_model_of_this_process_is_explained_as_it_is(plain, make):
    model = make()
    is_the_same(explained(model, "conv"), plain)
    is_the_same(explained(model, "conv"), plain)  # and once more: nothing is left behind


def test_a_sequential_model_that_was_never_called_is_refused_in_words():
    with pytest.raises(UserError, match="no weights yet, call it on an image first"):
        Explainer(keras.Sequential(parts()))


def test_a_skip_over_the_tapped_layer(tmp_path):
    _, pool, *head = parts()
    image = keras.Input((SIZE, SIZE, 3))
    start = kl.Conv2D(MAPS, 1, name="start")(image)
    tapped = kl.Conv2D(MAPS, 3, padding="same", activation="relu", name="tapped")(start)
    model = keras.Model(image, chained([kl.Add(), pool, *head], [tapped, start]))
    model.save(tmp_path / "m.keras")
    got = explained(load_model(tmp_path / "m.keras"), "tapped")
    # The same network from `tapped` on, with what skips it as a constant of the image.
    gradient, activation = gradient_above(model, "tapped", "start", IMAGES, got.class_idx)
    clean = explained(model, "tapped", method="grad_cam", targets=got.class_idx.tolist())
    weights = gradient.mean((1, 2))
    grad_cam = np.maximum(np.einsum("nk,nhwk->nhw", weights, activation), 0)
    np.testing.assert_allclose(clean.maps, grad_cam, rtol=1e-4, atol=1e-6 + 1e-4 * grad_cam.max())
    assert got.maps.any()


def gradient_above(model, tapped, skipping, images, classes):
    """(dS/dA, A) of a layer by an eager tape over the layers above it; what skips it is held."""
    import tensorflow as tf

    start = model.get_layer(skipping)(images)
    A = model.get_layer(tapped)(start)
    above = model.layers[model.layers.index(model.get_layer(tapped)) + 1 :]
    with tf.GradientTape() as tape:
        tape.watch(A)
        add, *others = above
        last = others[-1]
        x = chained(others[:-1], add([A, start]))
        logits = x @ last.kernel + last.bias
        S = tf.gather(logits, classes, batch_dims=1)
    return tape.gradient(S, A).numpy(), A.numpy()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_lambda_layers_are_refused_or_trusted(tmp_path, plain, suffix):
    image = keras.Input((SIZE, SIZE, 3))
    same = kl.Lambda(lambda x: x * 1.0, name="same")
    filled(keras.Model(image, chained([same, *parts()], image))).save(tmp_path / f"m{suffix}")
    with pytest.raises(UserError, match="Lambda layers, which run code from the file; if you trus"):
        load_model(tmp_path / f"m{suffix}")
    is_the_same(explained(load_model(tmp_path / f"m{suffix}", trusted=True), "conv"), plain)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("saved", "is a directory: a SavedModel has lost its inner layers and cannot be explained"),
        ("missing.keras", "missing.keras does not exist"),
        ("missing.h5", "missing.h5 does not exist"),
        ("torn.keras", "torn.keras is damaged or not a Keras file"),
        ("torn.h5", "torn.h5 is damaged"),
        ("page.keras", "page.keras is damaged or not a Keras file"),
        ("page.h5", "page.h5 is damaged or not a Keras file"),
        ("only.weights.h5", "only.weights.h5 holds only weights: name the architecture"),
    ],
)
def test_files_that_cannot_be_explained_are_refused_in_one_sentence(tmp_path, name, words):
    model = functional()
    if name == "saved":
        model.export(tmp_path / name, verbose=False)
    elif name.startswith("torn"):
        model.save(tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    elif name.startswith("page"):
        (tmp_path / name).write_text("<html>404 Not Found</html>")
    elif name.startswith("only"):
        model.save_weights(tmp_path / name)
    with pytest.raises(UserError, match=words) as error:
        load_model(tmp_path / name)
    assert "\n" not in str(error.value)


def test_several_outputs_are_chosen_by_name(tmp_path, plain):
    conv, pool, flatten, hidden, last = parts()
    image = keras.Input((SIZE, SIZE, 3))
    seen = chained([conv, pool, flatten, hidden], image)
    mood = kl.Dense(2, name="mood")(kl.GlobalAveragePooling2D()(conv.output))
    last.name = "kind"
    model = keras.Model(image, {"kind": last(seen), "mood": mood})
    for layer, weights in ((conv, CONV), (hidden, HIDDEN), (last, LAST)):
        layer.set_weights(weights)
    model.save(tmp_path / "m.keras")
    with pytest.raises(UserError, match="2 outputs, choose one with output_name"):
        _ = load_model(tmp_path / "m.keras").class_count
    is_the_same(explained(load_model(tmp_path / "m.keras", output_name="kind"), "conv"), plain)
    other = explained(load_model(tmp_path / "m.keras", output_name="mood"), "conv")
    assert other.affine_head and other.class_idx.max() <= 1


def binary(activation="sigmoid"):
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3)), *parts()[:-1], kl.Dense(1, activation)])
    model.set_weights([*CONV, *HIDDEN, LAST[0][:, :1], LAST[1][:1]])
    return model


def two_logits():
    """The binary model's score written out as two classes: -S and +S."""
    kernel, bias = (np.stack([-w[..., 0], w[..., 0]], -1) for w in LAST)
    image = keras.Input((SIZE, SIZE, 3))
    layers = [*parts()[:-1], kl.Dense(2)]
    model = keras.Model(image, chained(layers, image))
    model.set_weights([*CONV, *HIDDEN, kernel, bias])
    return model


@pytest.mark.parametrize("method", ["smooth_grad_cam_pp", "grad_cam_pp", "grad_cam"])
def test_a_sigmoid_unit_is_two_classes_of_opposite_scores(tmp_path, method):
    binary().save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    one, zero = (explained(loaded, "conv", targets=c, method=method) for c in (1, 0))
    logits = binary(None)(IMAGES).numpy()[:, 0]
    np.testing.assert_allclose(one.scores, logits, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(zero.scores, -logits, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(one.probabilities, 1 / (1 + np.exp(-logits)), rtol=1e-4)
    np.testing.assert_allclose(zero.probabilities + one.probabilities, 1, rtol=1e-5)
    for c, got in ((0, zero), (1, one)):
        is_the_same(got, explained(two_logits(), "conv", targets=c, method=method))
    chosen = explained(loaded, "conv", method=method)
    np.testing.assert_array_equal(chosen.class_idx, logits > 0)
    with pytest.raises(UserError, match="class 2 does not exist: the model has 2 classes"):
        explained(loaded, "conv", targets=2)


def test_several_sigmoids_are_several_classes(tmp_path, plain):
    functional("sigmoid").save(tmp_path / "m.keras")
    got = explained(load_model(tmp_path / "m.keras"), "conv")
    is_the_same(got, plain)
    np.testing.assert_allclose(got.probabilities, 1 / (1 + np.exp(-got.scores)), rtol=1e-5)


def test_a_head_of_logits_gives_the_same_map(tmp_path, plain):
    functional(None).save(tmp_path / "m.keras")
    got = explained(load_model(tmp_path / "m.keras"), "conv")
    is_the_same(got, plain)
    assert np.isnan(got.probabilities).all() and np.isfinite(plain.probabilities).all()


def test_a_softmax_layer_of_its_own_is_looked_behind(tmp_path, plain):
    image = keras.Input((SIZE, SIZE, 3))
    for last in (kl.Softmax(), kl.Activation("softmax")):
        model = filled(keras.Model(image, chained([*parts(None), last], image)))
        model.save(tmp_path / "m.keras")
        is_the_same(explained(load_model(tmp_path / "m.keras"), "conv"), plain)


def test_a_saturated_softmax_still_has_a_map(tmp_path):
    model = functional()
    model.set_weights([*CONV, *HIDDEN, LAST[0] * 200, LAST[1] * 200])
    got = explained(model, "conv", nsamples=0)
    assert (got.probabilities > 0.999).any()
    assert got.maps.max(axis=(1, 2)).all()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_networks_of_another_precision(tmp_path, plain, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        functional().save(tmp_path / "m.keras")
    finally:
        keras.config.set_dtype_policy(before)
    got = explained(load_model(tmp_path / "m.keras"), "conv")
    if policy == "float64":
        is_the_same(got, plain)
    else:
        scale = np.exp(got.log_scale - plain.log_scale)[:, None, None]
        error = np.abs(got.maps * scale - plain.maps).max((1, 2)) / plain.maps.max((1, 2))
        assert (got.class_idx == plain.class_idx).all()
        assert error.max() < (0.02 if policy == "mixed_float16" else 0.15)


def test_grey_models_see_grey_images(tmp_path):
    model = keras.Sequential([keras.Input((SIZE, SIZE, 1)), *parts()])
    model.set_weights([CONV[0].sum(2, keepdims=True), CONV[1], *HIDDEN, *LAST])
    model.save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras", scale=1 / 255)
    grey = np.repeat(RNG.integers(0, 256, (2, SIZE, SIZE, 1), np.uint8), 3, axis=-1)
    got = explained(loaded, "conv", images=loaded.preprocess(grey), nsamples=0)
    rgb = grey.astype(np.float32) / 255
    is_the_same(got, explained(functional(), "conv", images=rgb, nsamples=0))


def convolutional():
    """The hidden and last dense layers as convolutions over the whole: output [N, 1, 1, C]."""
    image = keras.Input((SIZE, SIZE, 3))
    conv, pool, *_ = parts()
    hidden = kl.Conv2D(8, SIZE // 2, activation="relu", name="hidden")
    last = kl.Conv2D(CLASSES, 1, activation="softmax", name="last")
    model = keras.Model(image, chained([conv, pool, hidden, last], image))
    kernel = HIDDEN[0].reshape(SIZE // 2, SIZE // 2, MAPS, 8)
    model.set_weights([*CONV, kernel, HIDDEN[1], LAST[0][None, None], LAST[1]])
    return model


def test_a_fully_convolutional_head(tmp_path, plain):
    is_the_same(explained(convolutional(), "conv"), plain)
    convolutional().save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    assert loaded.class_count == CLASSES
    is_the_same(explained(loaded), plain)


def test_a_layer_called_several_times_is_tapped_at_the_call_that_is_named(tmp_path):
    image = keras.Input((SIZE, SIZE, 3))
    start = kl.Conv2D(MAPS, 1, activation="relu", name="start")
    shared = kl.Conv2D(MAPS, 3, padding="same", activation="relu", name="shared")
    _, pool, *head = parts()
    model = keras.Model(image, chained([start, shared, shared, pool, *head], image))
    model.save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    with pytest.raises(UserError, match="'shared' is ambiguous, choose one of shared#1, shared#2"):
        explained(loaded, "shared")
    plain = keras.Input((SIZE, SIZE, 3))
    first = kl.Conv2D(MAPS, 3, padding="same", activation="relu", name="first")
    second = kl.Conv2D(MAPS, 3, padding="same", activation="relu", name="second")
    unrolled = keras.Model(plain, chained([start, first, second, pool, *head], plain))
    for layer in (first, second):
        layer.set_weights(shared.get_weights())
    for call, name in (("shared#1", "first"), ("shared#2", "second")):
        is_the_same(explained(loaded, call), explained(unrolled, name))
    assert explained(loaded).layer_name == "shared#2"


def test_a_model_of_any_size_is_explained_at_the_size_given(tmp_path):
    image = keras.Input((None, None, 3))
    conv, _, *_ = parts()
    late = kl.Conv2D(MAPS, 3, activation="relu", name="late")
    x = chained([conv, late, kl.GlobalMaxPooling2D(), kl.Dense(8, "relu"), kl.Dense(3)], image)
    model = keras.Model(image, x)
    model.save(tmp_path / "m.keras")
    got = explained(model, "conv", images=np.zeros((1, 9, 14, 3), np.float32) + 0.5)
    assert got.maps.shape == (1, 9, 14)
    loaded = load_model(tmp_path / "m.keras", input_size=(9, 14), scale=1 / 255)
    picture = RNG.integers(0, 256, (30, 40, 3), np.uint8)
    assert explained(loaded, "conv", images=loaded.preprocess(picture)).maps.shape == (1, 9, 14)
    for size in ((0, 9), (9, -1)):
        with pytest.raises(UserError, match="height, width"):
            load_model(tmp_path / "m.keras", input_size=size)
    assert load_model(tmp_path / "m.keras", input_size=[9]).input_shape == (9, 9, 3)


def test_a_layer_that_the_class_does_not_depend_on_is_refused(tmp_path):
    image = keras.Input((SIZE, SIZE, 3))
    aside = kl.Conv2D(2, 3, name="aside")(image)
    conv, *others = parts()
    model = keras.Model(image, [chained([conv, *others], image), kl.Flatten(name="rest")(aside)])
    with pytest.raises(UserError, match="does not depend on layer 'aside'"):
        explained(load_model(model, output_name=model.output_names[0]), "aside")
