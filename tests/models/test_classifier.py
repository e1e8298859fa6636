import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers as kl

from sgcampp.errors import UserError
from sgcampp.models.loading import load_model

FINGERPRINT = """
import sys
from sgcampp.models.loading import load_model
print(load_model(sys.argv[1]).fingerprint)
"""


def network(strides=1, scaled=False):
    image = keras.Input((12, 12, 3))
    x = kl.Rescaling(1 / 255)(image) if scaled else image
    x = kl.Conv2D(4, 3, strides)(x)
    return keras.Model(image, kl.Dense(3)(kl.GlobalAveragePooling2D()(x)))


def picture(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def classifier():
    return load_model(network())


def test_preprocess_takes_one_image_an_array_or_a_list(classifier):
    assert classifier.preprocess(picture(9, 7)).shape == (1, 12, 12, 3)
    assert classifier.preprocess(np.stack([picture(9, 7)] * 4)).shape == (4, 12, 12, 3)
    mixed = classifier.preprocess([picture(9, 7), picture(30, 40)])
    assert mixed.shape == (2, 12, 12, 3) and mixed.dtype == np.float32
    np.testing.assert_array_equal(mixed[:1], classifier.preprocess(picture(9, 7)))
    with pytest.raises(UserError, match="no image"):
        classifier.preprocess([])
    with pytest.raises(UserError, match="uint8 array"):
        classifier.preprocess(picture(9, 7).astype(float))


def test_preprocessing_settings_override_the_family():
    model = network()
    imagenet = load_model(model, preprocess="resnet50")
    assert imagenet.preprocessing.channel_order == "bgr"
    assert imagenet.notes == ()
    mixed = load_model(
        model, preprocess="torch", mean=0.5, std=[1, 2, 3], scale=0.1, channel_order="bgr",
        resize="crop",
    )  # fmt: skip
    p = mixed.preprocessing
    assert (p.mean, p.std, p.scale) == ((0.5,), (1, 2, 3), 0.1)
    assert (p.channel_order, p.resize) == ("bgr", "crop")
    with pytest.raises(UserError, match="unknown preprocessing 'torhc'; did you mean 'torch'"):
        load_model(model, preprocess="torhc")


def test_a_model_that_scales_its_own_input_needs_no_note():
    assert load_model(network(scaled=True)).notes == ()
    assert load_model(network(), scale=1 / 255).notes == ()
    assert len(load_model(network()).notes) == 1


def test_classes_without_labels_are_indices(classifier):
    assert classifier.class_name(2) == "class 2"


@pytest.mark.end_to_end
def test_the_fingerprint_is_the_same_in_every_process(tmp_path):
    path = tmp_path / "m.keras"
    network().save(path)
    here = load_model(path).fingerprint
    there = subprocess.run(
        [sys.executable, "-c", FINGERPRINT, str(path)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert there.stdout.split()[-1] == here


def test_the_fingerprint_tells_models_apart():
    model = network()
    seen = {load_model(model).fingerprint, load_model(model, scale=0.5).fingerprint}
    strided = network(strides=2)
    strided.set_weights(model.get_weights())
    seen.add(load_model(strided).fingerprint)
    twin = network()
    twin.set_weights(model.get_weights())
    twin.compile("sgd", "mse")
    assert load_model(twin).fingerprint in seen
    weights = model.get_weights()
    weights[0][0, 0, 0, 0] = np.nextafter(weights[0][0, 0, 0, 0], np.float32(9))
    twin.set_weights(weights)
    seen.add(load_model(twin).fingerprint)
    assert len(seen) == 4
