"""Methods in pixel space against their definitions, with gradients worked by hand and by autodiff.

Two oracles that share nothing with the product, and are held against each other: backward passes
in float64 NumPy (`tiny.PixelTwin`), and eager autodiff of plain functions whose ReLUs have custom
gradients (`tiny.skip_network`).
"""

from functools import cache

import numpy as np
import pytest
import reference
import tiny

from sgcampp import Explainer, UserError, load_model, noised_samples

STD_DEV, SEED = 0.3, 7
RULES = list(reference.RELU_BACKWARD)
OF_THE_IMAGE = [*RULES, "input_x_gradient"]
PIXEL_METHODS = [*OF_THE_IMAGE, "smooth_grad", "integrated_gradients"]


@pytest.fixture(scope="module")
def twin():
    return tiny.pixel_cnn()


@pytest.fixture(scope="module")
def explainer(twin):
    """All methods on one model: five noised samples, nine steps."""
    return explainer_of(twin.model, PIXEL_METHODS, nsamples=5, ig_steps=9)


def explainer_of(model, methods, layer_name=None, **settings):
    return Explainer(model, layer_name, methods, **{"std_dev": STD_DEV, "seed": SEED, **settings})


def each(model, methods, images, targets=None, layer_name=None, **settings):
    """Explanations by method."""
    found = explainer_of(model, methods, layer_name, **settings).each(images, targets)
    assert [got.method for got in found] == methods
    return {got.method: got for got in found}


def explain(model, method, images, targets=None, layer_name=None, **settings):
    return explainer_of(model, method, layer_name, **settings)(images, targets)


@cache
def noised_copies(pixels, shape, nsamples, noise_scale):
    x = np.frombuffer(pixels, np.float32).reshape(shape)
    return noised_samples(x, nsamples, STD_DEV, SEED, noise_scale)


def expected(backward, method, x, nsamples=0, ig_steps=50, noise_scale="range"):
    noised = ()
    if method == "smooth_grad" and nsamples:
        noised = noised_copies(x.tobytes(), x.shape, nsamples, noise_scale)
    return reference.pixel_map(method, backward, x, noised, ig_steps)


def assert_close(got, wanted, tolerance=1e-6):
    assert got.shape == wanted.shape
    assert wanted.max() > 0
    np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * wanted.max())


def assert_is_defined(twin, got, images, tolerance=1e-6, **settings):
    """Holds an explanation of the model's own choices against its method's definition."""
    assert (got.layer_name, got.maps.dtype) == ("input", np.float32)
    for x, L, c in zip(images, got.maps, got.class_idx, strict=True):
        assert c == np.argmax(twin.logits(x))
        wanted = expected(tiny.backward_of(twin, tiny.unit(c)), got.method, x, **settings)
        assert_close(L, wanted, tolerance)


def test_the_gradients_worked_by_hand_are_finite_differences(twin):
    x, v = tiny.images(1)[0].astype(np.float64), tiny.unit(2, 0)
    slopes = reference.finite_differences(lambda z: v @ twin.logits(z), x, 1e-6)
    np.testing.assert_allclose(twin.backward(x, v)[0], slopes, atol=1e-6 * np.abs(slopes).max())


@pytest.mark.parametrize("rule", RULES)
def test_backward_passes_by_hand_and_by_eager_autodiff_agree(twin, rule):
    import tensorflow as tf

    relu = tiny.relu_by_rule(rule)
    k1, b1, k2, b2, W1, c1, W2, c2 = twin.weights

    def network(x):
        A = relu(tf.nn.conv2d(relu(tf.nn.conv2d(x, k1, 1, "SAME") + b1), k2, 1, "SAME") + b2)
        flat = tf.reshape(tf.nn.avg_pool2d(A, 2, 2, "VALID"), [1, -1])
        return relu(flat @ W1 + c1) @ W2 + c2

    x, v = tiny.images(1)[0], tiny.unit(1, 3)
    by_hand = twin.backward(x, v, rule)[0]
    assert np.abs(by_hand).max() > 0.01
    np.testing.assert_allclose(by_hand, tiny.eager_backward(network, x, v), atol=1e-12)


def test_the_rules_differ(twin):
    x, v = tiny.images(1)[0], tiny.unit(0)
    maps = [expected(tiny.backward_of(twin, v), rule, x) for rule in RULES]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(maps[i] - maps[j]).max() > 0.05 * maps[i].max()


def test_methods_are_their_definitions(twin, explainer):
    """Those that look at the image alone do so whatever nsamples."""
    images = tiny.images(3)
    for got in explainer.each(images):
        assert_is_defined(twin, got, images, nsamples=5, ig_steps=9)
        np.testing.assert_array_equal(got.against_idx, -1)
        np.testing.assert_array_equal(got.log_scale, 0)
        np.testing.assert_array_equal(got.reasons, "")
        np.testing.assert_allclose(
            got.ess, {"smooth_grad": 5, "integrated_gradients": 9}.get(got.method, 1)
        )
        assert np.isnan(got.completeness).all() == (got.method != "integrated_gradients")


@pytest.mark.parametrize("batch_size", [1, 2, 5, 7, 64])
def test_methods_are_the_same_for_every_batch_size(explainer, monkeypatch, batch_size):
    images = tiny.images(3)
    whole = explainer.each(images)
    monkeypatch.setattr(explainer, "batch_size", batch_size)
    for got, wanted in zip(explainer.each(images), whole, strict=True):
        assert_close(got.maps, wanted.maps)
        np.testing.assert_allclose(got.completeness, wanted.completeness, atol=1e-6)


@pytest.mark.parametrize(
    ("methods", "settings"),
    [
        (["smooth_grad", "input_x_gradient"], {"frozen": True}),
        (["guided_backprop"], {"jit": True}),
    ],
    ids=["frozen", "jit"],
)
def test_methods_are_their_definitions_in_float32(methods, settings):
    twin, images = tiny.pixel_cnn(dtype="float32"), tiny.images(2)
    found = each(twin.model, methods, images, nsamples=3, ig_steps=4, **settings)
    for got in found.values():
        assert_is_defined(twin, got, images, 1e-4, nsamples=3, ig_steps=4)


def test_choices_of_the_paper_leave_pixel_space_alone(twin):
    choices = {"score": "logit", "activations": "mean", "average": "maps", "alpha_guard": "none"}
    methods, images = ["smooth_grad", "integrated_gradients"], tiny.images(1)
    found = each(twin.model, methods, images, nsamples=4, ig_steps=6, **choices)
    for got in found.values():
        assert_is_defined(twin, got, images, nsamples=4, ig_steps=6)


def test_smooth_grad_weighs_all_samples_alike_and_takes_its_noise_in_units_of_the_input():
    """Weighing them by e^S, as Smooth Grad-CAM++ does, would show at scores this far apart."""
    twin, images = tiny.pixel_cnn(), tiny.images(2)
    twin.weights[6] *= 20
    twin.model.set_weights(twin.weights)
    scale = {"noise_scale": "absolute"}
    got = explain(twin.model, "smooth_grad", images, nsamples=6, **scale)
    assert_is_defined(twin, got, images, nsamples=6, **scale)
    np.testing.assert_allclose(got.ess, 6)


def test_smooth_grad_without_samples_is_the_gradient(twin):
    found = each(twin.model, ["smooth_grad", "gradient"], tiny.images(3))
    np.testing.assert_array_equal(found["smooth_grad"].maps, found["gradient"].maps)
    assert found["smooth_grad"].nsamples == 0


# Worked with paper and pencil, see `tiny.by_hand`: u = 2, 0, 4, -2; v = 1, 1, -1, -1.


BY_HAND = {
    "guided_grad_cam_pp": [1, 0, 0, 0],  # alpha = 1/(2 + 4 g), w = 1/3, L = 1/3, 0, 1, 0
    "gradient": [3, 0, 3, 0],
    "smooth_grad": [3, 0, 3, 0],
    "input_x_gradient": [2, 0, 4, 0],
    "guided_backprop": [3, 0, 0, 0],
    "deconvnet": [3, 3, 0, 0],
    "integrated_gradients": [1, 0, 3, 0],
}


def test_maps_by_hand():
    model, x = tiny.by_hand()
    found = each(model, list(BY_HAND), x, 0, "features", ig_steps=4)
    for method, got in found.items():
        np.testing.assert_allclose(got.maps[0].ravel(), BY_HAND[method], atol=1e-6)
        assert got.scores[0] == -2
    assert found["integrated_gradients"].completeness[0] == pytest.approx(0, abs=1e-6)


def test_integrated_gradients_by_hand_at_midpoints():
    """The path passes the kinks at 1/2 and 1/4; S rises from 0 to -2."""
    model, x = tiny.by_hand()
    got = explain(model, "integrated_gradients", x, 0, ig_steps=2)
    np.testing.assert_allclose(got.maps[0].ravel(), [1, 0, 2, 0], atol=1e-6)
    assert got.completeness[0] == pytest.approx(0.5, abs=1e-6)


def test_one_step_by_hand_and_a_rise_of_zero_that_it_misses():
    """Of u = 2, 2, 3, 0, where S = 1 + 1 - 2 = 0, the step in the middle sees the third alone."""
    model, x = tiny.by_hand()
    flat = np.array([[[1, 0, 0], [1, 0, 0]], [[0, -1, 0], [0, 0, 0]]], np.float32)
    got = explain(model, "integrated_gradients", [*x, flat], [0, 0], ig_steps=1)
    np.testing.assert_allclose(got.maps.reshape(2, 4), [[0, 0, 4, 0], [0, 0, 3, 0]], atol=1e-6)
    np.testing.assert_array_equal(got.scores, [-2, 0])
    assert got.completeness[0] == pytest.approx(1, abs=1e-6)
    assert not got.completeness[1] <= 0.01


def test_smooth_grad_by_hand():
    """A ReLU is open in a share of the noised samples; the map is that share of 3."""
    model, x = tiny.by_hand()
    noised = noised_samples(x[0], 40, 1.0, SEED, "absolute")
    opened = (noised @ np.array([2, -3, 1]) > 1).mean(0)
    assert 0 < opened.min() < opened.max() < 1
    got = explain(model, "smooth_grad", x, 0, nsamples=40, std_dev=1.0, noise_scale="absolute")
    np.testing.assert_allclose(got.maps[0], 3 * opened, atol=1e-6)


# Integrated gradients add up.


def test_completeness_is_what_fifty_steps_miss_at_most_a_hundredth_here():
    """Fifty steps are the default."""
    twin, images = tiny.pixel_cnn(seed=5), tiny.images(3)
    got = explain(twin.model, "integrated_gradients", images)
    assert_is_defined(twin, got, images)
    for x, c, completeness in zip(images, got.class_idx, got.completeness, strict=True):
        backward, z = tiny.backward_of(twin, tiny.unit(c)), x.astype(np.float64)
        attributions = reference.integrated_gradients(backward, z, 50)
        wanted = reference.incompleteness(attributions, twin.logits(z)[c], twin.logits(0 * z)[c])
        assert completeness == pytest.approx(wanted, abs=1e-5)
    assert 0 < got.completeness.max() <= 0.01


@pytest.mark.parametrize("steps", [0, -1, 2.5, True, "many"])
def test_steps_out_of_range_are_refused(twin, steps):
    with pytest.raises(UserError, match="ig_steps"):
        explain(twin.model, "integrated_gradients", tiny.images(1), ig_steps=steps)


def test_a_model_that_sees_nothing_gets_zeros_and_a_reason():
    blind = tiny.pixel_cnn()
    blind.weights[6][:] = 0
    blind.model.set_weights(blind.weights)
    methods = ["smooth_grad", "integrated_gradients"]
    found = each(blind.model, methods, tiny.images(2), nsamples=2, ig_steps=3)
    for got in found.values():
        np.testing.assert_array_equal(got.maps, 0)
        np.testing.assert_array_equal(got.reasons, "no_gradient")
        assert not np.isinf(got.completeness).any()


# ReLUs however they are written.


def skip_backward(weights, v, upper=np.inf):
    def backward(x, rule):
        relu = tiny.relu_by_rule(rule, upper)
        return tiny.eager_backward(lambda z: tiny.skip_network(z, weights, relu), x, v)

    return backward


@pytest.mark.parametrize(
    ("style", "relu"),
    [(style, "relu") for style in tiny.SKIP_STYLES]
    + [(style, "relu6") for style in ("shared_layer", "subclassed")],
)
def test_relus_in_every_style_and_a_skip_connection(style, relu):
    weights, images = tiny.skip_weights(), 6 * tiny.images(2)
    model = tiny.skip_model(style, weights, relu)
    upper = 6 if relu == "relu6" else np.inf
    methods = ["guided_backprop", "deconvnet"] if style == "shared_layer" else ["guided_backprop"]
    for got in each(model, methods, images, [3, 1]).values():
        for x, c, L in zip(images, (3, 1), got.maps, strict=True):
            backward = skip_backward(weights, tiny.unit(c), upper)
            assert_close(L, expected(backward, got.method, x))


def test_the_upper_end_of_relu6_matters_there():
    """Or the test above could not tell a ReLU6 from a ReLU."""
    weights, x = tiny.skip_weights(), 6 * tiny.images(2)[0]
    for rule in ("gradient", "guided_backprop"):
        six, any_ = (
            expected(skip_backward(weights, tiny.unit(3), upper), rule, x) for upper in (6, np.inf)
        )
        assert np.abs(six - any_).max() > 0.05 * six.max()


@pytest.mark.parametrize(
    ("method", "activation"),
    [
        ("guided_backprop", "tanh"),
        ("deconvnet", "leaky_relu"),
        ("guided_grad_cam_pp", "silu"),
    ],
)
def test_a_model_without_relus_is_refused(method, activation):
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(3, 3, activation=activation, name="features"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    with pytest.raises(UserError, match="ReLU") as refused:
        explain(model, method, tiny.images(1))
    assert "\n" not in str(refused.value)


def test_rules_for_relus_end_with_the_call(twin, explainer):
    """Neither the user's model nor later explanations may go on with changed ReLUs."""
    import tensorflow as tf

    images = tiny.images(1)
    explainer.each(images)
    later = explain(twin.model, "gradient", images)
    assert_is_defined(twin, later, images)

    x = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(x)
        S = twin.model(x)[0, 1]
    p = np.exp(twin.logits(images[0]))
    p /= p.sum()
    v = p[1] * (tiny.unit(1) - p)
    wanted = twin.backward(images[0], v)[0]
    np.testing.assert_allclose(
        tape.gradient(S, x)[0], wanted, rtol=0, atol=1e-6 * np.abs(wanted).max()
    )


# Heads, inputs and models of other kinds.


def test_a_linear_model_without_any_layer_to_tap():
    """S = w·x + b: every gradient is w, and noise cannot change it."""
    import keras

    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(5, 4, 3, 2)), rng.normal(size=(2, 5, 4, 3)).astype(np.float32)
    layers = keras.layers
    model = keras.Sequential([keras.Input((5, 4, 3)), layers.Flatten(), layers.Dense(2)])
    model.set_weights([w.reshape(-1, 2), np.ones(2)])
    times_x = np.abs((x * w[..., 1]).sum(-1))
    slopes = np.abs(w[..., 1]).max(-1)[None].repeat(2, 0)
    wanted = {
        "gradient": slopes,
        "smooth_grad": slopes,
        "input_x_gradient": times_x,
        "integrated_gradients": times_x,
    }
    found = each(model, list(wanted), x, 1, nsamples=3, ig_steps=3)
    for method, got in found.items():
        assert_close(got.maps, wanted[method])
    np.testing.assert_allclose(found["integrated_gradients"].completeness, 0, atol=1e-5)


@pytest.mark.parametrize("units", [1, 2])
def test_binary_and_multi_label_heads_of_sigmoids(units):
    """One unit: class 1 scores +S, class 0 -S. S is before the sigmoid, even a saturated one."""
    import keras

    layers = keras.layers
    rng = np.random.default_rng(1)
    w = 50 * rng.normal(size=(64, units))
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(1, 1, activation="relu", name="features"),
            layers.Flatten(),
            layers.Dense(units, activation="sigmoid"),
        ]
    )
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1), w, np.zeros(units)])
    x = rng.uniform(-1, 1, (1, 8, 8, 1)).astype(np.float32)
    active = x[0, ..., 0] > 0
    got = explain(model, "gradient", x.repeat(2, 0), [0, 1])
    for c in (0, 1):
        slope = w[:, c] if units == 2 else w[:, 0] * (1 if c else -1)
        assert got.scores[c] == pytest.approx(slope @ np.maximum(x.ravel(), 0), rel=1e-5)
        assert_close(got.maps[c], np.abs(slope).reshape(8, 8) * active)


@pytest.mark.parametrize("as_classifier", [False, True])
def test_the_named_output_is_explained(twin, as_classifier):
    import keras

    image, layers = twin.model.inputs[0], keras.layers
    with tiny.dtype_policy("float64"):
        pooled = layers.GlobalAveragePooling2D()(twin.model.get_layer("features").output)
        other = layers.Dense(3, name="other")(pooled)
    model = keras.Model(image, [other, twin.model.outputs[0]])
    name = next(name for name in model.output_names if name != "other")
    images = tiny.images(2)
    if as_classifier:
        got = explain(load_model(model, output_name=name), "gradient", images)
    else:
        got = explain(model, "guided_backprop", images, output_name=name)
    assert_is_defined(twin, got, images)


def test_several_classes_and_images_at_once(twin):
    images = tiny.images(3)
    got = explain(twin.model, "integrated_gradients", images, "top2", ig_steps=3)
    assert got.maps.shape == (3, 2, 8, 8)
    assert got.completeness.shape == got.class_idx.shape == got.against_idx.shape == (3, 2)
    for i, x in enumerate(images):
        np.testing.assert_array_equal(got.class_idx[i], np.argsort(-twin.logits(x))[:2])
        for t, c in enumerate(got.class_idx[i]):
            backward = tiny.backward_of(twin, tiny.unit(c))
            assert_close(got.maps[i, t], expected(backward, got.method, x, ig_steps=3))


# Guided Grad-CAM++.


def test_resizing_by_hand():
    """Twice as wide: the border held, then a quarter and three quarters of the way."""
    got = reference.resized(np.array([[0.0, 4.0], [8.0, 12.0]]), 4, 2)
    np.testing.assert_allclose(got, [[0, 4], [2, 6], [6, 10], [8, 12]])


def strided_model():
    """A layer of 5×3 neurons under an input of 11×7."""
    import keras

    keras.utils.set_random_seed(4)
    layers = keras.layers
    with tiny.dtype_policy("float64"):
        return keras.Sequential(
            [
                keras.Input((11, 7, 3)),
                layers.Conv2D(6, 3, 2, activation="relu", name="features"),
                layers.Flatten(),
                layers.Dense(8, activation="relu"),
                layers.Dense(3, activation="softmax"),
            ]
        )


def test_guided_grad_cam_pp_is_the_product_on_the_input_s_pixels():
    model, methods = strided_model(), ["grad_cam_pp", "guided_backprop"]
    images = np.random.default_rng(2).uniform(-1, 1, (3, 11, 7, 3)).astype(np.float32)
    filters = {"filters": [5, 0, 2, 1]}
    got = explain(model, "guided_grad_cam_pp", images, 1, "features", nsamples=4, **filters)
    cam, guided = each(model, methods, images, 1, "features", **filters).values()
    assert got.layer_name == cam.layer_name == "features"
    assert (cam.maps.shape, got.maps.shape) == ((3, 5, 3), (3, 11, 7))
    assert got.maps.max() > 0
    for i in range(3):
        maps = [(got.maps[i], cam.maps[i])]
        maps += zip(got.filter_maps[i], cam.filter_maps[i], strict=True)
        for product, L in maps:
            wanted = guided.maps[i] * reference.resized(L, 11, 7)
            atol = 1e-6 * max(wanted.max(), 1e-30)
            np.testing.assert_allclose(product, wanted, rtol=0, atol=atol)


def test_guided_grad_cam_pp_from_worked_gradients(twin):
    """Grad-CAM++ keeps true gradients while guided backpropagation changes its ReLUs."""
    images = tiny.images(3)
    got = explain(twin.model, "guided_grad_cam_pp", images, layer_name="features", nsamples=4)
    for x, c, L in zip(images, got.class_idx, got.maps, strict=True):
        v = tiny.unit(c)
        cam, *_ = reference.smooth_grad_cam_pp(twin.sample(x, v), [])
        assert_close(L, expected(tiny.backward_of(twin, v), "guided_backprop", x) * cam)


@pytest.mark.parametrize("method", ["input_x_gradient", "integrated_gradients", "hires_cam"])
def test_methods_with_a_sign_give_what_is_asked_of_it(twin, method):
    images = tiny.images(2)
    maps = {
        sign: explain(twin.model, method, images, layer_name="features", sign=sign, ig_steps=9)
        for sign in ("own", "absolute", "positive", "signed")
    }
    signed = maps["signed"].maps
    assert signed.min() < 0 < signed.max()
    assert [got.signed for got in maps.values()] == [False, False, False, True]
    np.testing.assert_array_equal(maps["absolute"].maps, np.abs(signed))
    np.testing.assert_array_equal(maps["positive"].maps, np.maximum(signed, 0))
    own = "positive" if method == "hires_cam" else "absolute"
    np.testing.assert_array_equal(maps["own"].maps, maps[own].maps)


def test_signed_input_x_gradient_adds_up_the_channels(twin):
    x = tiny.images(1)[0]
    got = explain(twin.model, "input_x_gradient", x[None], sign="signed")
    g, _ = twin.backward(x, tiny.unit(got.class_idx[0]))
    np.testing.assert_allclose(got.maps[0], (x * g).sum(-1), atol=1e-6)


def test_a_sign_is_refused_where_no_map_has_one(twin):
    with pytest.raises(
        UserError, match="sign is 'signed', but the maps of grad_cam, gradient have"
    ):
        explainer_of(twin.model, ["grad_cam", "gradient"], sign="signed")
    found = each(twin.model, ["gradient", "input_x_gradient"], tiny.images(1), sign="signed")
    assert found["gradient"].maps.min() >= 0
    assert not found["gradient"].signed
