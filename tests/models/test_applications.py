import importlib
import inspect
import random
import subprocess
import sys
import urllib.error

import keras
import numpy as np
import pytest

from sgcampp.errors import UserError
from sgcampp.models.applications import APPLICATIONS, find_application
from sgcampp.models.loading import load_model
from sgcampp.models.sources import list_models


def weights_equal(one, other):
    return all(map(np.array_equal, one.get_weights(), other.get_weights()))


def test_the_table_is_what_keras_offers():
    offered = {
        name: function.__module__.rpartition(".")[2]
        for name, function in vars(keras.applications).items()
        if inspect.isfunction(function)
    }
    assert {a.constructor: a.family for a in APPLICATIONS} == offered
    for application in APPLICATIONS:
        assert hasattr(
            importlib.import_module(f"keras.applications.{application.family}"), "preprocess_input"
        )


def test_the_sizes_are_kerass_defaults(monkeypatch):
    sizes = {}

    class StopError(Exception):
        pass

    def stop(input_shape, default_size, **_):
        sizes["found"] = default_size
        raise StopError

    monkeypatch.setattr("keras.src.applications.imagenet_utils.obtain_input_shape", stop)
    for application in APPLICATIONS:
        if application.family == "mobilenet_v3":
            continue  # takes any size; its weights were trained at 224
        with pytest.raises(StopError):
            getattr(keras.applications, application.constructor)(weights=None)
        assert sizes.pop("found") == application.size, application.name


@pytest.mark.parametrize("name", ["VGG16", "vgg16", "VGG-16", "vgg_16"])
def test_names_are_read_generously(name):
    assert find_application(name).constructor == "VGG16"


def test_names_are_unique_and_listed_without_tensorflow():
    names = [info.name for info in list_models()]
    assert names[0] == "efficientnet-lite0"
    assert len(set(names)) == len(names) == len(APPLICATIONS) + 1
    code = (
        "import sys; from sgcampp.models.sources import list_models; list_models();"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture(scope="module")
def mobilenet():
    return load_model("MobileNetV3-Small", "none")


def test_random_weights_are_reproducible_and_leave_the_global_state_alone(mobilenet):
    random.seed(7)
    expected = random.random()
    random.seed(7)
    again = load_model("mobilenetv3small", "none")
    assert random.random() == expected
    assert weights_equal(again.model, mobilenet.model)
    assert again.fingerprint == mobilenet.fingerprint
    assert again.weights == "none"


def test_an_application_knows_its_size_labels_and_preprocessing(mobilenet):
    assert mobilenet.name == "mobilenetv3small"
    assert mobilenet.input_shape == (224, 224, 3)
    assert mobilenet.class_name(282) == "tiger cat"
    assert mobilenet.notes == ()
    wider = load_model(mobilenet.name, "none", input_size=(96, 128))
    assert wider.input_shape == (96, 128, 3)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras", ".h5"])
def test_weights_files(tmp_path, mobilenet, suffix):
    path = tmp_path / f"mine{suffix}"
    changed = keras.models.clone_model(mobilenet.model)
    changed.set_weights([w + 0.5 for w in mobilenet.model.get_weights()])
    changed.save_weights(path) if suffix == ".weights.h5" else changed.save(path)
    loaded = load_model("mobilenetv3small", path)
    assert weights_equal(loaded.model, changed)
    assert loaded.weights == str(path)
    assert loaded.fingerprint != mobilenet.fingerprint


def test_weights_files_that_cannot_be_used(tmp_path, mobilenet):
    small = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)])
    small.save_weights(tmp_path / "small.weights.h5")
    small.save(tmp_path / "small.h5")
    small.save(tmp_path / "small.keras")
    (tmp_path / "junk.h5").write_bytes(b"junk")
    (tmp_path / "junk.keras").write_bytes(b"junk")
    (tmp_path / "small.weights.h5").rename(tmp_path / "renamed.h5")
    (tmp_path / "cut.h5").write_bytes((tmp_path / "small.h5").read_bytes()[:3000])
    cases = {
        "small.h5": "do not fit mobilenetv3small",
        "small.keras": "do not fit mobilenetv3small",
        "renamed.h5": "rename it",
        "junk.h5": "HDF5",
        "cut.h5": "damaged",
        "junk.keras": "zip archive",
        "none.h5": "does not exist",
        "weights.pth": "must be 'imagenet', 'none', or a .h5 or .keras file",
    }
    for name, words in cases.items():
        with pytest.raises(UserError, match=words) as error:
            load_model("mobilenetv3small", tmp_path / name)
        assert "\n" not in str(error.value)


def test_without_a_network_the_way_out_is_named(tmp_path, monkeypatch):
    def offline(*_, **__):
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", offline)
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    with pytest.raises(UserError, match="efficientnet-lite0, or --weights FILE"):
        load_model("mobilenetv3small")


def test_an_input_size_that_the_model_does_not_take():
    with pytest.raises(UserError, match="takes 224×224 images only, not input_size 100×100"):
        load_model("efficientnet-lite0", input_size=100)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet5", "did you mean .*'resnet50'"),
        ("quux", "a path must end in .keras or .h5"),
        ("efficientnet-lite1", "'efficientnet-lite0'"),
    ],
)
def test_unknown_names(name, words):
    with pytest.raises(UserError, match=words):
        load_model(name)
