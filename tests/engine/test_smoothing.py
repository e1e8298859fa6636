"""The last layer where noise can change the maps: in the tests' tiny networks and real ones."""

import keras
import numpy as np
import pytest
import tiny
from keras import layers as kl

from scripts.figures.smoothing_layers import check_model, random_network
from sgcampp import Explainer, UserError
from sgcampp.engine.smoothing import marked_layers

SETTINGS = {"nsamples": 4, "std_dev": 0.5}


def chain(*layers, size=8):
    return keras.Sequential([keras.Input((size, size, 3)), *layers])


def nested():
    inner = chain(
        kl.Conv2D(4, 3, padding="same", activation="relu", name="a"),
        kl.Conv2D(4, 3, padding="same", activation="relu", name="b"),
    )
    inner.name = "inner"
    return chain(inner, kl.GlobalAveragePooling2D(), kl.Dense(4, activation="softmax"))


def skipping():
    image = keras.Input((8, 8, 3))
    a = kl.Conv2D(4, 3, padding="same", activation="relu", name="a")(image)
    b = kl.Conv2D(4, 3, padding="same", activation="relu", name="b")(a)
    pooled = kl.GlobalAveragePooling2D()(kl.Add(name="sum")([a, b]))
    return keras.Model(image, kl.Dense(4, activation="softmax")(pooled))


NETWORKS = {
    "relu_cnn": (lambda: tiny.relu_cnn().model, "features"),
    "affine_cnn": (tiny.affine_cnn, "early"),
    "pixel_cnn": (lambda: tiny.pixel_cnn().model, "features"),
    "nested": (nested, "inner/a"),
    "skipping": (skipping, "a"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_noise_changes_the_maps_there_and_at_no_later_layer(name):
    make, expected = NETWORKS[name]
    keras.utils.set_random_seed(4)
    found = check_model(make(), (8, 8, 3), **SETTINGS)
    assert found.change_there > 1e-3
    assert found.change_after is None or found.change_after < 1e-5
    assert found.layer == expected


@pytest.mark.end_to_end
@pytest.mark.parametrize("name", ["MobileNetV2", "VGG16"])
def test_in_real_networks(name):
    """The smallest of those that `scripts.figures.smoothing_layers` goes through."""
    model = random_network(name, (64, 64, 3))
    found = check_model(model, (64, 64, 3), nsamples=4, std_dev=0.3)
    assert found.change_there > 1e-4
    assert found.change_after is None or found.change_after < 1e-5
    assert (found.change_after is None) == (name != "MobileNetV2")


def test_it_is_one_of_several_layers_and_carries_its_own_address():
    x = tiny.images(2)
    layers = ["smoothing", "features", "early"]
    found = Explainer(tiny.affine_cnn(), layers, **SETTINGS).each(x)
    assert [each.layer_name for each in found] == ["early", "features", "early"]
    assert [each.nsamples for each in found] == [4, 0, 4]
    np.testing.assert_array_equal(found[0].maps, found[2].maps)


def test_a_layer_of_that_very_name_is_meant_itself():
    model = chain(
        kl.Conv2D(4, 3, activation="relu", name="smoothing"),
        kl.Conv2D(4, 3, activation="relu", name="later"),
        kl.Flatten(),
        kl.Dense(5, activation="relu"),
        kl.Dense(4),
    )
    assert Explainer(model, "smoothing")(tiny.images(1)).layer_name == "smoothing"


def test_a_branch_that_the_scores_do_not_hang_on_is_passed_over():
    image = keras.Input((8, 8, 3))
    a = kl.Conv2D(4, 3, activation="relu", name="a")(image)
    aside = kl.Dense(2, activation="relu", name="aside")(
        kl.Flatten()(kl.Conv2D(4, 3, activation="relu", name="b")(a))
    )
    scores = kl.Dense(4, name="scores")(kl.Dense(5, activation="relu")(kl.Flatten()(a)))
    model = keras.Model(image, {"scores": scores, "aside": aside})
    found = Explainer(model, "smoothing", output_name="scores")(tiny.images(1))
    assert found.layer_name == "a"
    assert [mark.acts for mark in marked_layers(model, (8, 8, 3), "scores")] == [True, False]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (chain(kl.Conv2D(4, 3), kl.Flatten(), kl.Dense(4)), "this model has none: its class sco"),
        (chain(kl.Flatten(), kl.Dense(4)), "no layer with a .h, w, K. output"),
    ],
)
def test_where_there_is_none_it_is_refused_in_one_sentence(model, words):
    with pytest.raises(UserError, match=words) as error:
        Explainer(model, "smoothing", **SETTINGS)(tiny.images(1))
    assert "\n" not in str(error.value)


def test_layers_are_marked():
    first, second = marked_layers(tiny.affine_cnn(), (8, 8, 3))
    assert (first.layer.address, first.acts, first.last) == ("early", True, True)
    assert (second.layer.address, second.acts, second.last) == ("features", False, False)
    assert second.layer.default and not first.layer.default
