"""Odd but whole images through the command and the embedded model: finite maps, right sizes."""

import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import cli.main

pytestmark = pytest.mark.end_to_end

NOISE = np.random.default_rng(0)
SIZES = {
    "black.png": (60, 80),
    "white.png": (80, 60),
    "one_pixel.png": (1, 1),
    "one_row.png": (1, 300),
    "one_column.png": (300, 1),
    "wide.jpg": (1200, 2000),
    "grey8.png": (50, 70),
    "grey16.png": (50, 70),
    "cmyk.jpg": (50, 70),
    "alpha.png": (50, 70),
    "palette.png": (50, 70),
    "one_colour.bmp": (50, 70),
}


def make(directory):
    def noise(*shape, high=256, dtype=np.uint8):
        return NOISE.integers(0, high, shape, dtype)

    gradient = np.linspace(0, 255, 1200 * 2000).reshape(1200, 2000).astype(np.uint8)
    rgba = np.dstack([noise(50, 70, 3), np.zeros((50, 70, 1), np.uint8)])
    pictures = {
        "black.png": np.zeros((60, 80, 3), np.uint8),
        "white.png": np.full((80, 60, 3), 255, np.uint8),
        "one_pixel.png": noise(1, 1, 3),
        "one_row.png": noise(1, 300, 3),
        "one_column.png": noise(300, 1, 3),
        "wide.jpg": np.dstack([gradient, gradient[::-1], gradient[:, ::-1]]),
        "grey8.png": noise(50, 70),
        "grey16.png": noise(50, 70, high=65536, dtype=np.uint16),
        "alpha.png": rgba,
        "one_colour.bmp": np.full((50, 70, 3), (200, 30, 90), np.uint8),
    }
    for name, picture in pictures.items():
        assert cv2.imwrite(str(directory / name), picture)
    Image.fromarray(noise(50, 70, 4), "CMYK").save(directory / "cmyk.jpg")
    Image.fromarray(noise(50, 70, 3)).quantize(16).save(directory / "palette.png")


RUNS = {
    "default": [],
    "smoothed": ["--layer-name", "block15_expand_act", "--nsamples", "2"],
    "grad_cam": ["--layer-name", "head_conv", "--method", "grad_cam"],
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    directory = tmp_path_factory.mktemp("images")
    make(directory)
    return directory


@pytest.fixture(scope="module", params=RUNS)
def run(request, images, tmp_path_factory):
    """(output tree, rows by key) of one run over all images."""
    out = tmp_path_factory.mktemp(request.param)
    words = ["explain", str(images), "-o", str(out / "out"), *RUNS[request.param], "--json"]
    result = CliRunner().invoke(cli.main.main, words)
    assert result.exit_code == 0, result.stderr
    rows = {row["key"]: row for row in map(json.loads, result.stdout.splitlines())}
    assert set(rows) == set(SIZES)
    return out / "out", rows


@pytest.mark.parametrize("key", SIZES)
def test_arrays_are_finite_and_flat_ones_have_a_reason(run, key):
    out, rows = run
    for record in rows[key]["maps"]:
        saliency = np.load(out / record["files"]["arrays"], allow_pickle=False)
        assert saliency.dtype == np.float32
        assert saliency.shape == (7, 7) == tuple(record["shape"])
        assert np.isfinite(saliency).all() and (saliency >= 0).all()
        assert (record["reason"] is None) == bool(saliency.any())
        for number in ("score", "probability", "log_scale", "ess"):
            assert np.isfinite(record[number])


@pytest.mark.parametrize("key", SIZES)
def test_pictures_have_the_image_s_own_size(run, key):
    out, rows = run
    for record in rows[key]["maps"]:
        for kind in ("heatmaps", "overlays"):
            picture = cv2.imread(str(out / record["files"][kind]), cv2.IMREAD_UNCHANGED)
            assert picture.shape == (*SIZES[key], 3) and picture.dtype == np.uint8


def test_a_flat_map_says_so_once_and_its_overlay_is_the_image(sgcampp_tiny):
    """A network that sees nothing: every activation of the layer is zero."""
    out, stderr, row, image = sgcampp_tiny
    (record,) = row["maps"]
    assert record["reason"] == "no_activation"
    assert stderr.count("all zeros") == 1
    assert not np.load(out / record["files"]["arrays"]).any()
    np.testing.assert_array_equal(cv2.imread(str(out / record["files"]["overlays"])), image)


@pytest.fixture
def sgcampp_tiny(tmp_path):
    import tiny

    model = tiny.relu_cnn().model
    kernel, bias, *head = model.get_weights()
    model.set_weights([0 * kernel, 0 * bias - 1, *head])
    model.save(tmp_path / "m.keras")
    image = NOISE.integers(0, 256, (20, 30, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "x.png"), image)
    words = ["explain", "x.png", "-o", "out", "--model", "m.keras", "--json"]
    words = [str(tmp_path / word) if "." in word or word == "out" else word for word in words]
    result = CliRunner().invoke(cli.main.main, words)
    assert result.exit_code == 0, result.stderr
    return tmp_path / "out", result.stderr, json.loads(result.stdout), image


def test_log_scale_and_array_give_the_paper_s_map(images, tmp_path, lite0):
    """e^{log_scale} array is L of Y = e^S: worked again in float64 from clean gradients (n = 0)."""
    import tensorflow as tf
    from keras import Model

    name = "grey8.png"
    words = ["explain", str(images / name), "-o", str(tmp_path), "--json", "--write", "arrays"]
    result = CliRunner().invoke(cli.main.main, words)
    (record,) = json.loads(result.stdout)["maps"]
    image = cv2.cvtColor(cv2.imread(str(images / name)), cv2.COLOR_BGR2RGB)
    tapped, head = lite0.model.get_layer("head_act"), lite0.model.get_layer("logits")
    A = Model(lite0.model.inputs, tapped.output)(lite0.preprocess(image), training=False)
    with tf.GradientTape() as tape:
        tape.watch(A)
        S = (tf.reduce_mean(A, [1, 2]) @ head.kernel + head.bias)[0, record["class_idx"]]
    g = tape.gradient(S, A).numpy()[0].astype(np.float64)
    A, Y = A.numpy()[0].astype(np.float64), np.exp(np.float64(S))
    denominator = 2 * Y * g**2 + A.sum((0, 1)) * Y * g**3
    alpha = np.divide(Y * g**2, denominator, out=np.zeros_like(g), where=denominator > 0)
    weights = (alpha * np.maximum(Y * g, 0)).sum((0, 1))
    L = np.maximum((weights * A).sum(-1), 0)
    saliency = np.load(tmp_path / record["files"]["arrays"]).astype(np.float64)
    assert record["score"] == pytest.approx(float(S), rel=1e-4)
    np.testing.assert_allclose(np.exp(record["log_scale"]) * saliency, L, rtol=2e-3)
