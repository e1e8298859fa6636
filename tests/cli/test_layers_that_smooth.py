"""What the commands say of layers where smoothing acts or not, and of exact derivatives."""

import curved
import keras
import numpy as np
import pytest
import tiny
import yaml

from sgcampp import Explainer, load_model
from sgcampp.storage.local import LocalStore
from sgcampp.tree.index import read_manifest


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A directory with affine.keras (`early`, `features`) and tanh.keras."""
    directory = tmp_path_factory.mktemp("models")
    tiny.affine_cnn().save(directory / "affine.keras")
    curved.network("tanh", dtype="float32")[0].save(directory / "tanh.keras")
    return directory


@pytest.fixture
def explain(sgcampp, models):
    """Explains photos with one of the models; returns (exit code, stderr, recorded, maps)."""

    def run(model, *flags, out="OUT", image="photos/a.png"):
        words = ["--model", models / f"{model}.keras", "--scale", "0.01", "-o", out]
        return sgcampp.run("explain", image, *words, "--write", "arrays", *flags)

    return run


def recorded(out):
    return yaml.safe_load((out / "run.yaml").read_text())["recorded"]


def layers_of(out):
    return [of.layer for row in read_manifest(LocalStore(out)) for of in row.maps]


def last_line(result):
    assert result.exit_code == 0, result.stderr
    return result.stderr.splitlines()[-1]


def test_smoothing_stands_for_a_layer_that_is_named(explain, out):
    line = last_line(explain("affine", "--layer-name", "smoothing", "--nsamples", "3"))
    assert line.endswith("; layer smoothing is 'early'") and "type" not in line
    assert recorded(out)["layers"] == ["early"] == layers_of(out)
    again = explain("affine", "--layer-name", "smoothing", "--nsamples", "3")
    assert "1 done before" in last_line(again)


def test_it_goes_beside_other_layers_but_not_beside_itself(explain, out, error):
    line = last_line(explain("affine", "--layer", "smoothing,features", "--nsamples", "3"))
    assert "layer smoothing is 'early'; nothing is smoothed at features: type --layer-name" in line
    assert layers_of(out) == ["early", "features"]
    names = {path.name for path in (out / "arrays").iterdir()}
    assert names == {"a.png.early.npy", "a.png.features.npy"}
    again = error(explain("affine", "--layer", "smoothing,early", out=out.with_name("other")))
    assert "'smoothing' and 'early', which are the same layer of this model" in again
    assert not out.with_name("other").exists()


@pytest.mark.parametrize(
    ("flags", "advice"),
    [
        ([], "at features: type --nsamples 25 --layer-name smoothing, with an OUT of its own"),
        (["--nsamples", "3"], "at features: type --layer-name smoothing, with"),
        (["--layer", "early"], "at early: type --nsamples 25, with"),
        (["--layer", "early", "--nsamples", "3"], None),
        (["--layer", "early", "--across", "nsamples=0,3"], None),
        (["--across", "nsamples=0,3"], "at features: type --layer-name smoothing, with"),
        (["--nsamples", "3", "--activations", "mean"], None),
        (["--method", "grad_cam"], None),
        (["--method", "smooth_grad"], "at input: type --nsamples 25, with"),
        (["--method", "integrated_gradients"], None),
    ],
    ids=str,
)
def test_the_last_line_says_what_to_type_where_nothing_is_smoothed(explain, flags, advice):
    line = last_line(explain("affine", *flags))
    assert ("; nothing is smoothed " in line) == (advice is not None)
    assert advice is None or advice in line


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--fade-uncertain"], "fade_uncertain can show nothing"),
        (["--layer", "early", "--nsamples", "3", "--write", "errors"], "errors can show nothing"),
        (["--layer", "early", "--nsamples", "4", "--write", "errors", "--fade-uncertain"], None),
        ([], None),
    ],
    ids=str,
)
def test_errors_that_no_map_has_are_told(explain, flags, said):
    told = explain("affine", *flags).stderr
    assert ("can show nothing" in told) == (said is not None)
    assert said is None or said in told


def test_a_model_without_such_a_layer_is_refused(sgcampp, tmp_path, error):
    layers = keras.layers
    chain = [keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)]
    keras.Sequential(chain).save(tmp_path / "linear.keras")
    model = ["--model", tmp_path / "linear.keras", "--layer", "smoothing"]
    told = error(sgcampp.run("explain", "photos", "-o", "OUT", "--scale", "0.01", *model))
    assert "this model has none: its class scores are affine" in told


def test_a_bend_is_said_once_and_recorded(explain, out):
    flags = ["--layer", "features,behind", "--method", "grad_cam_pp,smooth_grad_cam_pp"]
    result = explain("tanh", *flags, "--nsamples", "2")
    assert result.exit_code == 0
    assert result.stderr.count("not piecewise linear in layer 'features', 'behind' (Tanh in") == 1
    assert recorded(out)["piecewise_linear"] == {"features": False, "behind": False}
    quiet = explain(
        "tanh", "--layer", "features", "--method", "grad_cam", out=out.with_name("grad_cam")
    )
    assert "piecewise" not in quiet.stderr
    relu = explain("affine", out=out.with_name("relu"))
    assert "piecewise" not in relu.stderr
    assert recorded(out.with_name("relu"))["piecewise_linear"] == {"features": True}


def test_exact_derivatives_from_the_command_line(explain, out, models, given):
    flags = ["--layer", "features", "--nsamples", "2", "--batch-size", "4"]
    result = explain("tanh", *flags, "--across", "derivatives=exact,closed")
    assert result.exit_code == 0, result.stderr
    classifier = load_model(models / "tanh.keras", scale=0.01)
    from sgcampp.images.decode import read_image

    inputs = classifier.preprocess(read_image(given / "photos" / "a.png", 10**6).rgb)
    maps = {}
    for form in ("exact", "closed"):
        maps[form] = np.load(out / "arrays" / f"a.png.derivatives-{form}.npy")
        settings = {"nsamples": 2, "batch_size": 4, "derivatives": form}
        here = Explainer(classifier, "features", **settings)(inputs)
        np.testing.assert_allclose(maps[form], here.maps[0], rtol=1e-4, atol=1e-6)
    assert np.abs(maps["exact"] - maps["closed"]).max() > 0.01 * maps["closed"].max()
    again = explain("tanh", *flags, "--derivatives", "exact", out=out.with_name("exact"))
    assert "piecewise" not in again.stderr


def test_exact_derivatives_of_a_large_layer_are_refused(explain, error, monkeypatch):
    monkeypatch.setattr("sgcampp.engine.curvature.MOST_NEURONS", 10)
    told = error(
        explain("tanh", "--layer", "features", "--derivatives", "exact", "--nsamples", "7")
    )
    assert "neurons × 2 backward passes at layer" in told and "8 samples" in told
