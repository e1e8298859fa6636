"""CAM (Zhou et al. 2016) from the dense layer's own weights, and heads that have none."""

import numpy as np
import pytest
import reference
import tiny

from sgcampp import Explainer, UserError


@pytest.fixture(scope="module")
def model():
    with tiny.dtype_policy("float64"):
        return tiny.affine_cnn()


@pytest.fixture(scope="module")
def explain(model):
    return Explainer(model, "features", "cam", nsamples=5)


def activations(model, x):
    """A [8, 8, 5] of `tiny.affine_cnn`, and the dense layer's weights [5, C]."""
    k1, b1, k2, b2, w, _ = model.get_weights()
    return reference.convolution_relu(reference.convolution_relu(x, k1, b1), k2, b2), w


def assert_is(L, A, w, tolerance=1e-6):
    wanted = np.maximum((A * w).sum(-1), 0)
    np.testing.assert_allclose(L, wanted, rtol=0, atol=tolerance * max(wanted.max(), 1e-9))


def test_cam_is_its_definition_whatever_nsamples(model, explain):
    images = tiny.images(5)
    got = explain(images)
    assert (got.layer_name, got.method, got.nsamples) == ("features", "cam", 0)
    assert got.maps.shape == (5, 8, 8)
    assert got.maps.max() > 0
    for x, c, L in zip(images, got.class_idx, got.maps, strict=True):
        A, w = activations(model, x)
        assert c == np.argmax(A.mean((0, 1)) @ w)
        assert_is(L, A, w[:, c])
    np.testing.assert_array_equal(got.log_scale, 0)


def test_every_class_and_both_signs_of_a_contrast(model, explain):
    images = tiny.images(4)
    A, w = activations(model, images[0])
    of_class = explain(images[:1].repeat(4, 0), [0, 1, 2, 3])
    for c in range(4):
        assert_is(of_class.maps[c], A, w[:, c])
    for a, b in ((0, 3), (3, 0)):
        got = explain(images[:1], f"{a}-vs-{b}")
        assert (got.class_idx[0], got.against_idx[0]) == (a, b)
        assert_is(got.maps[0], A, w[:, a] - w[:, b])


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_batches_make_no_difference(explain, monkeypatch, batch_size):
    images = tiny.images(5)
    whole = explain(images).maps
    monkeypatch.setattr(explain, "batch_size", batch_size)
    np.testing.assert_allclose(explain(images).maps, whole, rtol=0, atol=1e-6 * whole.max())


def test_there_grad_cam_is_cam_over_the_number_of_neurons(model, explain):
    """Selvaraju et al. 2017, section 3.1."""
    images = tiny.images(3)
    grad_cam = Explainer(model, "features", "grad_cam")(images).maps
    np.testing.assert_allclose(explain(images).maps, 64 * grad_cam, rtol=1e-5, atol=1e-9)


def test_filters_and_a_region_bound_the_sum(model):
    x = tiny.images(1)
    A, w = activations(model, x[0])
    got = Explainer(model, "features", "cam", filters=[4, 1], region=True, subset=[(1, 2), (5, 3)])(
        x, 2
    )
    inside = np.zeros((8, 8, 1))
    inside[1:6, 2:4] = 1
    assert_is(got.maps[0], A[..., [4, 1]] * inside, w[[4, 1], 2])
    for f, k in enumerate((4, 1)):
        assert_is(got.filter_maps[0, f], A[..., [k]] * inside, w[[k], 2])


def test_by_hand():
    """A¹ = relu(red) = 1, 0, 2, 0 and A² = relu(green) = 0, 3, 1, 0; w of class 0 = (1, -1)."""
    model = head_on(lambda A, layers: layers.Dense(2)(layers.GlobalAveragePooling2D()(A)), maps=2)
    x = np.array([[[1, -1, 9], [-5, 3, 9]], [[2, 1, 9], [0, 0, 9]]], np.float32)[None]
    kernel = np.array([[1, 0], [0, 1], [0, 0]]).reshape(1, 1, 3, 2)
    model.set_weights([kernel, np.zeros(2), np.array([[1, 0], [-1, 2]]), np.array([7, 0])])
    explain = Explainer(model, "features", "cam")
    np.testing.assert_allclose(explain(x, 0).maps[0], [[1, 0], [1, 0]], atol=1e-6)
    np.testing.assert_allclose(explain(x, 1).maps[0], [[0, 6], [2, 0]], atol=1e-6)
    np.testing.assert_allclose(explain(x, "0-vs-1").maps[0], [[1, 0], [0, 0]], atol=1e-6)


def head_on(head, maps=5, size=None):
    """A model that ends in `head(A, layers)` after a 1×1 convolution with ReLU, `features`."""
    import keras

    layers = keras.layers
    x = keras.Input((size or 2, size or 2, 3))
    A = layers.Conv2D(maps, 1, activation="relu", name="features")(x)
    return keras.Model(x, head(A, layers))


def plain(A, layers):
    return layers.Dense(3, activation="softmax", name="w")(layers.GlobalAveragePooling2D()(A))


def with_dropout(A, layers):
    pooled = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(A))
    return layers.Softmax()(layers.Dense(3, name="w")(layers.Dropout(0.2)(pooled)))


def sigmoids(A, layers):
    return layers.Dense(3, activation="sigmoid", name="w")(layers.GlobalAveragePooling2D()(A))


def kept_dimensions(A, layers):
    pooled = layers.Flatten()(layers.GlobalAveragePooling2D(keepdims=True)(A))
    return layers.Dense(3, activation="softmax", name="w")(pooled)


@pytest.mark.parametrize("head", [with_dropout, sigmoids, kept_dimensions])
def test_heads_of_average_pooling_and_one_dense_layer(head):
    model = head_on(head, size=6)
    x = np.random.default_rng(0).uniform(-1, 1, (2, 6, 6, 3)).astype(np.float32)
    kernel, bias = model.get_layer("features").get_weights()
    A = np.maximum(x @ kernel[0, 0] + bias, 0)
    w = model.get_layer("w").get_weights()[0]
    got = Explainer(model, None, "cam")(x, [1, 2])
    assert got.layer_name == "features"
    for i, c in enumerate((1, 2)):
        assert_is(got.maps[i], A[i], w[:, c], 1e-5)


def test_one_sigmoid_unit_has_two_classes():
    def head(A, layers):
        return layers.Dense(1, activation="sigmoid", name="w")(layers.GlobalAveragePooling2D()(A))

    model = head_on(head, size=6)
    x = np.random.default_rng(0).uniform(-1, 1, (1, 6, 6, 3)).astype(np.float32)
    kernel, bias = model.get_layer("features").get_weights()
    A = np.maximum(x[0] @ kernel[0, 0] + bias, 0)
    w = model.get_layer("w").get_weights()[0][:, 0]
    assert (w > 0).any() and (w < 0).any()
    got = Explainer(model, "features", "cam")(x.repeat(2, 0), [0, 1])
    assert_is(got.maps[0], A, -w, 1e-5)
    assert_is(got.maps[1], A, w, 1e-5)


def flattened(A, layers):
    return layers.Dense(3, activation="softmax")(layers.Flatten()(A))


def flattened_with_a_blind_class(A, layers):
    """Class 0 alone would pass: its gradients are 0 everywhere."""
    import keras

    def blind(shape, dtype=None):
        weights = np.random.default_rng(0).normal(size=shape)
        weights[:, 0] = 0
        return keras.ops.convert_to_tensor(weights, dtype)

    return layers.Dense(3, kernel_initializer=blind)(layers.Flatten()(A))


def strongest(A, layers):
    return layers.Dense(3, activation="softmax")(layers.GlobalMaxPooling2D()(A))


def two_dense_layers(A, layers):
    hidden = layers.Dense(8, activation="relu")(layers.GlobalAveragePooling2D()(A))
    return layers.Dense(3, activation="softmax")(hidden)


def another_convolution(A, layers):
    return plain(layers.Conv2D(4, 3, padding="same", activation="relu")(A), layers)


def gated(A, layers):
    gate = layers.Dense(5, activation="sigmoid")(layers.GlobalAveragePooling2D()(A))
    pooled = layers.GlobalAveragePooling2D()(A)
    return layers.Dense(3, activation="softmax")(layers.Multiply()([pooled, gate]))


OTHERS = [
    flattened,
    flattened_with_a_blind_class,
    strongest,
    two_dense_layers,
    another_convolution,
    gated,
]


@pytest.mark.parametrize("head", OTHERS)
def test_other_heads_are_refused_in_one_sentence_that_says_why(head):
    model = head_on(head, size=6)
    x = np.ones((1, 6, 6, 3), np.float32)
    with pytest.raises(UserError, match="global average pooling") as refused:
        Explainer(model, "features", "cam")(x)
    assert "features" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_refusal_does_not_depend_on_the_image_and_the_layer_is_named(model):
    for x in (np.zeros((1, 8, 8, 3), np.float32), tiny.images(1)):
        with pytest.raises(UserError, match="'early'"):
            Explainer(model, "early", "cam")(x)
