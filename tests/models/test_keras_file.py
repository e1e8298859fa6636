import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers as kl

from sgcampp.errors import UserError
from sgcampp.models.loading import load_model

SIZE = (16, 16)
IMAGES = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3), np.uint8)
INPUTS = IMAGES.astype(np.float32)


def functional():
    image = keras.Input((*SIZE, 3))
    x = kl.Conv2D(4, 3, activation="relu", name="conv")(image)
    x = kl.GlobalAveragePooling2D()(x)
    return keras.Model(image, kl.Dense(5, activation="softmax")(x))


def sequential():
    model = keras.Sequential(
        [kl.Conv2D(4, 3, name="conv"), kl.GlobalAveragePooling2D(), kl.Dense(5)]
    )
    model(INPUTS[:1])
    return model


def nested():
    image = keras.Input((*SIZE, 3))
    base = keras.Sequential([keras.Input((*SIZE, 3)), kl.Conv2D(4, 3, name="conv")], name="base")
    return keras.Model(image, kl.Dense(5)(kl.Flatten()(base(image))))


def skipping():
    image = keras.Input((*SIZE, 3))
    x = kl.Conv2D(3, 3, padding="same", name="conv")(image)
    x = kl.Add()([x, image])
    return keras.Model(image, kl.Dense(5)(kl.GlobalAveragePooling2D()(x)))


@keras.saving.register_keras_serializable("sgcampp-tests")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = kl.Conv2D(4, 3, name="conv")
        self.pool = kl.GlobalAveragePooling2D()
        self.dense = kl.Dense(5)

    def call(self, x):
        return self.dense(self.pool(self.conv(x)))


def subclassed():
    model = Subclassed()
    model(INPUTS)
    return model


def with_lambda():
    image = keras.Input((*SIZE, 3))
    x = kl.Lambda(lambda x: x * 2, name="twice")(image)
    return keras.Model(image, kl.GlobalAveragePooling2D()(kl.Conv2D(4, 3, name="conv")(x)))


def with_a_custom_loss():
    def my_loss(y, p):
        return keras.ops.mean(y - p)

    model = functional()
    model.compile("adam", my_loss)
    return model


def two_outputs():
    image = keras.Input((*SIZE, 3))
    x = kl.GlobalAveragePooling2D()(kl.Conv2D(4, 3, name="conv")(image))
    return keras.Model(image, [kl.Dense(5, name="kind")(x), kl.Dense(2, name="mood")(x)])


def expect_error(words, *args, **kwargs):
    with pytest.raises(UserError, match=words) as error:
        load_model(*args, **kwargs)
    assert "\n" not in str(error.value)


CASES = [
    (make, suffix)
    for make in (functional, sequential, nested, skipping, subclassed, with_a_custom_loss)
    for suffix in (".keras", ".h5")
    if (make, suffix) != (subclassed, ".h5")
]


@pytest.mark.parametrize(("make", "suffix"), CASES)
def test_a_saved_model_loads_predicts_the_same_and_shows_its_layers(tmp_path, make, suffix):
    path = tmp_path / f"model.v1{suffix}"
    model = make()
    model.save(path)
    loaded = load_model(path)
    np.testing.assert_allclose(loaded.model(INPUTS), model(INPUTS), rtol=1e-6)
    assert loaded.input_shape == (*SIZE, 3)
    assert loaded.class_count == 5
    assert loaded.labels is None and loaded.class_name(3) == "class 3"
    assert any(layer.address.rpartition("/")[2] == "conv" for layer in loaded.layers)
    assert loaded.default_layer in {"conv", "base/conv", "add", loaded.layers[-1].address}
    assert "raw RGB pixels 0..255" in loaded.notes[0]


def test_a_subclassed_model_in_h5_cannot_be_read_back(tmp_path):
    subclassed().save(tmp_path / "m.h5")
    expect_error("the class Subclassed, which Keras does not know", tmp_path / "m.h5")


def test_a_keras_model_is_accepted_as_it_is():
    model = subclassed()
    loaded = load_model(model)
    assert loaded.model is model
    assert loaded.default_layer == "conv"
    assert loaded.name == model.name


def test_an_unbuilt_model_is_refused():
    expect_error("no weights yet", Subclassed())
    expect_error("not dict", {})


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_lambda_layers_need_trust(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    model = with_lambda()
    model.save(path)
    expect_error("Lambda layers.*`trusted`", path)
    loaded = load_model(path, trusted=True)
    np.testing.assert_allclose(loaded.model(INPUTS), model(INPUTS), rtol=1e-6)


def test_saved_model_directories_are_refused(tmp_path):
    functional().export(tmp_path / "saved", verbose=False)
    expect_error("lost its inner layers.*save the model as .keras", tmp_path / "saved")
    expect_error("lost its inner layers", str(tmp_path / "saved"))


def test_weights_only_files_are_refused(tmp_path):
    functional().save_weights(tmp_path / "a.weights.h5")
    expect_error("holds only weights.*--weights", tmp_path / "a.weights.h5")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_missing_and_damaged_files_are_told_apart(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    expect_error("does not exist", path)
    path.write_bytes(b"")
    expect_error("damaged or not a Keras file", path)
    path.write_text("<html>404</html>")
    expect_error("damaged or not a Keras file", path)
    functional().save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    expect_error("damaged|cannot load", path)


def test_a_zip_that_is_no_model(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("readme.txt", "hello")
    expect_error("cannot load", tmp_path / "a.keras")


@pytest.mark.parametrize("name", ["model.pth", "model.onnx", "dir/model"])
def test_other_files_are_refused(tmp_path, name):
    expect_error("must end in .keras or .h5", tmp_path / name)


def test_unregistered_classes_are_named(tmp_path):
    code = f"""
import keras
class Mine(keras.layers.Layer):
    def call(self, x): return x
model = keras.Sequential([keras.Input((8, 8, 3)), Mine(), keras.layers.Flatten()])
model.save(r"{tmp_path}/m.keras")
model.save(r"{tmp_path}/m.h5")
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    for name in ("m.keras", "m.h5"):
        expect_error("the class Mine.*register_keras_serializable", tmp_path / name)


def test_several_inputs_are_refused(tmp_path):
    one, two = keras.Input((*SIZE, 3)), keras.Input((4,))
    x = kl.Concatenate()([kl.Flatten()(one), two])
    keras.Model([one, two], kl.Dense(2)(x)).save(tmp_path / "m.keras")
    expect_error("has 2 inputs", tmp_path / "m.keras")


@pytest.mark.parametrize("shape", [(7,), (16, 16, 4), (3, 16, 16), (4, 16, 16, 3)])
def test_inputs_that_are_no_images_are_refused(shape):
    image = keras.Input(shape)
    expect_error("it must be .*H, W, 1 or 3", keras.Model(image, kl.Dense(2)(kl.Flatten()(image))))


def test_outputs_that_score_no_classes_are_refused():
    image = keras.Input((16, 16, 3))
    expect_error("one score for each class", keras.Model(image, kl.Conv2D(2, 3)(image)))


def test_open_sizes_need_an_input_size():
    model = keras.Sequential(
        [keras.Input((None, None, 3)), kl.Conv2D(4, 3), kl.GlobalAveragePooling2D()]
    )
    expect_error("give it an input_size", model)
    assert load_model(model, input_size=(20, 30)).input_shape == (20, 30, 3)
    assert load_model(model, input_size=24).layers[0].shape == (22, 22, 4)
    expect_error("must be height and width", model, input_size=(1, 2, 3))


def test_grey_models_get_grey_images():
    model = keras.Sequential([keras.Input((16, 16, 1)), kl.Conv2D(4, 3), kl.Flatten(), kl.Dense(2)])
    assert load_model(model).preprocess(IMAGES).shape == (2, 16, 16, 1)
    expect_error("takes 1 channels", model, channel_order="bgr")


def test_one_of_several_outputs(tmp_path):
    path = tmp_path / "m.keras"
    two_outputs().save(path)
    expect_error("2 outputs, choose one with output_name: kind, mood", path)
    expect_error("no output 'moood'; did you mean 'mood'", path, output_name="moood")
    assert load_model(path, output_name="mood").class_count == 2
    named = two_outputs()
    image = keras.Input((*SIZE, 3))
    kind, mood = named(image)
    assert load_model(keras.Model(image, {"b": kind, "a": mood}), output_name="b").class_count == 5


def test_a_sigmoid_unit_is_two_classes(tmp_path):
    image = keras.Input((*SIZE, 3))
    model = keras.Model(image, kl.Dense(1, activation="sigmoid")(kl.Flatten()(image)))
    labels = tmp_path / "labels.txt"
    labels.write_text("dog\ncat\n")
    assert load_model(model, labels=labels).class_name(1) == "cat"


def test_labels_must_be_as_many_as_the_classes(tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("dog\ncat\n")
    expect_error("has 2 names, .* has 5 classes", functional(), labels=labels)


def test_a_file_brings_its_own_weights(tmp_path):
    functional().save(tmp_path / "m.keras")
    expect_error(re.escape("brings its own weights"), tmp_path / "m.keras", "none")
