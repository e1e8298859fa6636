"""Targets through the Explainer: classes by index, rank and name, contrasts of two, and errors."""

from dataclasses import replace

import numpy as np
import pytest
import reference
import tiny

from sgcampp import Explainer, UserError, load_model, noised_samples
from sgcampp.models.labels import Label

SETTINGS = {"nsamples": 5, "std_dev": 0.3, "seed": 7, "ig_steps": 5}
AT_LAYER = ["smooth_grad_cam_pp", "grad_cam_pp", "grad_cam"]
IN_PIXELS = ["gradient", "smooth_grad", "integrated_gradients", "guided_backprop"]


@pytest.fixture(scope="module")
def twin():
    return tiny.pixel_cnn()


@pytest.fixture(scope="module")
def explainer(twin):
    return Explainer(twin.model, ["features"], AT_LAYER + IN_PIXELS, **SETTINGS)


@pytest.fixture(scope="module")
def gradient(twin):
    return Explainer(twin.model, None, "gradient")


def oracles(twin, x, v, noised):
    """Every method's map of the score v·logits, and the m* of Smooth Grad-CAM++."""
    clean = twin.sample(x, v)
    smooth, _, top, _ = reference.smooth_grad_cam_pp(clean, [twin.sample(z, v) for z in noised])
    maps = {
        "smooth_grad_cam_pp": smooth,
        "grad_cam_pp": reference.smooth_grad_cam_pp(clean, [])[0],
        "grad_cam": reference.grad_cam(clean),
    }
    backward = tiny.backward_of(twin, v)
    for method in IN_PIXELS:
        maps[method] = reference.pixel_map(method, backward, x, noised, 5)
    return maps, top


def classes_of(twin, x, target):
    """(A, B) of `A-vs-B`."""
    ranked = np.argsort(-twin.logits(x))
    first, second = target.replace("argmax", "top1").split("-vs-")
    return [ranked[int(p[3:]) - 1] if p.startswith("top") else int(p) for p in (first, second)]


@pytest.mark.parametrize("target", ["1-vs-2", "top1-vs-top2", "top3-vs-top1"])
def test_a_contrast_explains_the_difference_of_two_scores(twin, explainer, target):
    """In every method S is S_A - S_B, the weights e^S of noised samples and log_scale included."""
    images = tiny.images(3)
    found = {got.method: got for got in explainer.each(images, target)}
    for i, x in enumerate(images):
        a, b = classes_of(twin, x, target)
        noised = noised_samples(x, 5, 0.3, 7)
        maps, top = oracles(twin, x, tiny.unit(a, b), noised)
        for method, L in maps.items():
            got = found[method]
            assert (got.class_idx[i], got.against_idx[i]) == (a, b)
            assert L.max() > 0 or got.reasons[i]
            atol = 1e-6 * max(L.max(), 1e-30)
            np.testing.assert_allclose(got.maps[i], L, rtol=0, atol=atol, err_msg=method)
            logits = twin.logits(x)
            assert got.scores[i] == pytest.approx(logits[a] - logits[b], abs=1e-6)
            p = np.exp(logits) / np.exp(logits).sum()
            assert got.probabilities[i] == pytest.approx(p[a], abs=1e-6)
        assert found["smooth_grad_cam_pp"].log_scale[i] == pytest.approx(top, abs=1e-6)
        S_x, S_0 = (twin.logits(z)[a] - twin.logits(z)[b] for z in (x, 0 * x))
        backward = tiny.backward_of(twin, tiny.unit(a, b))
        attributions = reference.integrated_gradients(backward, x.astype(np.float64), 5)
        wanted = reference.incompleteness(attributions, S_x, S_0)
        assert found["integrated_gradients"].completeness[i] == pytest.approx(wanted, abs=1e-5)


def test_a_contrast_turned_round_has_the_same_gradient_and_the_opposite_score(explainer):
    images = tiny.images(3)
    there, back = (explainer.each(images, target) for target in ("0-vs-3", "3-vs-0"))
    for one, other in zip(there, back, strict=True):
        np.testing.assert_array_equal(one.class_idx, other.against_idx)
        np.testing.assert_array_equal(one.against_idx, other.class_idx)
        np.testing.assert_allclose(one.scores, -other.scores, rtol=1e-9)
        if one.method in {"gradient", "smooth_grad", "integrated_gradients"}:
            np.testing.assert_allclose(one.maps, other.maps, atol=1e-9)
    guided, flipped = there[-1].maps, back[-1].maps
    assert np.abs(guided - flipped).max() > 0.05 * guided.max()


def test_a_contrast_of_a_linear_model_by_hand():
    """S = (x, 2x, -x): S_1 - S_2 = 3x."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((1, 1, 1)), layers.Flatten(), layers.Dense(3, use_bias=False)]
    )
    model.set_weights([np.array([[1.0, 2.0, -1.0]])])
    x = np.full((1, 1, 1, 1), 5, np.float32)
    found = Explainer(model, None, ["gradient", "input_x_gradient"]).each(x, "1-vs-2")
    assert [got.maps.item() for got in found] == pytest.approx([3, 15])
    assert found[0].scores.item() == pytest.approx(15)


def test_a_contrast_of_a_single_sigmoid_unit():
    """Class 1 scores +S and class 0 -S, so that the contrasts are 2 S and -2 S."""
    import keras

    layers, rng = keras.layers, np.random.default_rng(3)
    model = keras.Sequential(
        [keras.Input((2, 2, 3)), layers.Flatten(), layers.Dense(1, activation="sigmoid")]
    )
    w, x = rng.normal(size=(12, 1)), rng.normal(size=(1, 2, 2, 3)).astype(np.float32)
    model.set_weights([w, np.array([0.5])])
    got = Explainer(model, None, "gradient")(x.repeat(2, 0), ["1-vs-0", "0-vs-1"])
    S = x.ravel() @ w[:, 0] + 0.5
    np.testing.assert_allclose(got.scores, [2 * S, -2 * S], rtol=1e-5)
    wanted = 2 * np.abs(w.reshape(2, 2, 3)).max(-1)
    np.testing.assert_allclose(got.maps, [wanted, wanted], rtol=1e-5)


def test_both_classes_of_a_contrast_are_held_for_the_noised_samples(twin):
    """At a noise where ranks change, from slice to slice of samples the two classes stay."""
    images = tiny.images(8)
    explain = Explainer(twin.model, "features", nsamples=6, std_dev=0.8, batch_size=2)
    by_rank = explain(images, "top1-vs-top2")
    named = [f"{a}-vs-{b}" for a, b in zip(by_rank.class_idx, by_rank.against_idx, strict=True)]
    np.testing.assert_array_equal(explain(images, named).maps, by_rank.maps)
    ranks = [
        tuple(np.argsort(-twin.logits(z))[:2])
        for x in images
        for z in [x, *noised_samples(x, 6, 0.8)]
    ]
    assert len(set(ranks[:7])) > 1


def test_a_contrast_whose_classes_turn_out_the_same_has_zeros_and_a_reason(twin, explainer):
    """`top1-vs-C` on an image whose first class is C: S is 0 whatever the image."""
    images = tiny.images(1)
    c = np.argmax(twin.logits(images[0]))
    for got in explainer.each(images, f"top1-vs-{c}"):
        assert (got.class_idx[0], got.against_idx[0], got.scores[0]) == (c, c, 0)
        np.testing.assert_array_equal(got.maps, 0)
        assert got.reasons[0] == "no_gradient"


def test_without_a_contrast_no_class_is_held_against(gradient):
    images = tiny.images(2)
    for target in (None, "argmax", 1, "1", np.int64(1), [1, "2"]):
        got = gradient(images, target)
        np.testing.assert_array_equal(got.against_idx, [-1, -1])
        assert got.against_idx.dtype == np.int32
        assert got.class_idx.dtype == np.int32


def test_several_targets_an_image_in_the_order_given(twin, gradient):
    images = tiny.images(3)
    targets = [["0", "2"], [3, "1-vs-0"], ["top2"]]
    got = gradient(images, targets)
    ranked = np.argsort(-twin.logits(images[2]))
    wanted = [[(0,), (2,)], [(3,), (1, 0)], [(ranked[0],), (ranked[1],)]]
    assert got.maps.shape == (3, 2, 8, 8)
    np.testing.assert_array_equal(got.against_idx, [[-1, -1], [-1, 0], [-1, -1]])
    for i, x in enumerate(images):
        for t, classes in enumerate(wanted[i]):
            assert got.class_idx[i, t] == classes[0]
            L = np.abs(twin.backward(x, tiny.unit(*classes))[0]).max(-1)
            np.testing.assert_allclose(got.maps[i, t], L, rtol=0, atol=1e-6 * L.max())


def test_one_target_in_a_list_is_one_for_the_one_image(gradient):
    got = gradient(tiny.images(1), ["1-vs-2"])
    assert got.maps.shape == (1, 8, 8)
    assert (got.class_idx[0], got.against_idx[0]) == (1, 2)


def test_names_make_contrasts_with_hyphens_spaces_and_wnids(twin):
    labels = (
        Label(0, "n00000010", "black-and-tan coonhound"),
        Label(1, "n00000011", "tabby", ("tabby cat",)),
        Label(2, "n00000012", "tiger cat"),
        Label(3, "n00000013", "T-shirt"),
    )
    classifier = replace(load_model(twin.model), labels=labels)
    explain = Explainer(classifier, None, "gradient")
    images = tiny.images(1)
    for target, wanted in {
        "tabby-vs-tiger cat": (1, 2),
        "tabby_cat-vs-tiger_cat": (1, 2),
        "black-and-tan coonhound-vs-t-shirt": (0, 3),
        "n00000013-vs-tabby": (3, 1),
        "2-vs-n00000010": (2, 0),
        " tabby -vs- 0 ": (1, 0),
    }.items():
        got = explain(images, target)
        assert (got.class_idx[0], got.against_idx[0]) == wanted, target
    with pytest.raises(UserError, match="did you mean 'tiger cat'"):
        explain(images, "tabby-vs-tigr cat")
    with pytest.raises(UserError, match="same class"):
        explain(images, "tabby-vs-n00000011")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("4", "class 4 does not exist: the model has 4 classes, 0 to 3"),
        ("1-vs-9", "class 9 does not exist"),
        ("9-vs-1", "class 9 does not exist"),
        ("top1-vs-top5", "top5 asks for more"),
        ("top5-vs-0", "top5 asks for more"),
        ("1-vs-1", "same class"),
        ("top2-vs-top2", "same class"),
        ("argmax-vs-top1", "same class"),
        ("1-vs-", "two classes"),
        ("-vs-1", "two classes"),
        ("-vs-", "two classes"),
        ("1-vs-2-vs-3", "two classes"),
        ("1-vs-cat", "no labels"),
        ("cat", "no labels"),
        ("top0", "no labels"),
        ("-1", "no labels"),
        (str(2**31), "does not exist"),
        (f"0-vs-{2**40}", "does not exist"),
        ("", "target"),
        ("p>1.5", "p>|target"),
        ("p>abc", "p>|target"),
        ([[]], "empty"),
        ([["0", "9"]], "class 9 does not exist"),
        (["0", "1"], "2 targets for 1 images"),
        ([], "0 targets for 1 images"),
    ],
)
def test_targets_that_mean_nothing_are_refused_in_one_sentence(gradient, target, message):
    with pytest.raises(UserError, match=message) as refused:
        gradient(tiny.images(1), target)
    assert "\n" not in str(refused.value)


def test_images_that_ask_for_different_numbers_of_classes_are_refused(gradient):
    with pytest.raises(UserError, match="different numbers"):
        gradient(tiny.images(2), [["0", "1"], "2"])
