"""`method: all` takes what the model can serve, and says what it leaves out and why."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import tiny
from listener import Listener

from sgcampp import UserError
from sgcampp.config.run_config import RunConfig
from sgcampp.explain.methods import METHODS
from sgcampp.pipeline import run
from sgcampp.tree.open_tree import open_tree


@pytest.fixture
def config(tmp_path):
    def made(model):
        model.save(tmp_path / "tiny.keras")
        picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "a.png"), picture)
        return RunConfig(
            model=str(tmp_path / "tiny.keras"),
            method="all",
            layer_name="features",
            perturbations=5,
            superpixels=3,
            scale=1 / 255,
            write=["arrays", "panels"],
            sources=[str(tmp_path / "a.png")],
            out=str(tmp_path / "out"),
        )

    return made


def methods_of(config):
    (row,) = open_tree(config.out).rows()
    return {one.method for one in row.maps}


def left_out(listener):
    return {note.split(" is left out: ")[0]: note for note in listener.notes if "left out" in note}


def test_what_a_model_cannot_serve_is_left_out_with_the_reason(config, monkeypatch):
    listener = Listener()
    asked = config(tiny.relu_cnn().model)
    run(asked, listener)
    assert set(left_out(listener)) == {"cam", "subset_scan"}
    assert "needs a model that ends in global average pooling" in left_out(listener)["cam"]
    assert methods_of(asked) == set(METHODS) - {"cam", "subset_scan"}
    assert run(asked, Listener()).skipped == 1


def test_without_relus_and_packages_more_is_left_out(config, monkeypatch):
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="swish", name="features"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    monkeypatch.setattr("sgcampp.explain.method.find_spec", lambda name: None)
    listener = Listener()
    asked = config(model)
    run(asked, listener)
    out = left_out(listener)
    without_relus = {"guided_backprop", "deconvnet", "guided_grad_cam_pp"}
    assert set(out) == {*without_relus, "lime", "subset_scan"}
    assert "this model has none" in out["deconvnet"]
    assert "pip install" in out["lime"]
    assert methods_of(asked) == set(METHODS) - set(out)


def test_all_stands_alone(config):
    asked = config(tiny.relu_cnn().model)
    with pytest.raises(UserError, match=r"method is \['all'.*accepted: all, or one or several of"):
        replace(asked, method=["all", "grad_cam"])


def test_a_method_that_was_asked_for_by_name_is_refused(config):
    asked = replace(config(tiny.relu_cnn().model), method=["cam", "grad_cam"])
    with pytest.raises(UserError, match="cam needs a model that ends in"):
        run(asked, Listener())
