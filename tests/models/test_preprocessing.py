import importlib
import tracemalloc

import numpy as np
import pytest

from sgcampp.errors import UserError
from sgcampp.models.applications import APPLICATIONS
from sgcampp.models.families import FAMILIES, family_preprocessing
from sgcampp.models.preprocessing import Preprocessing

KERAS_FAMILIES = sorted({application.family for application in APPLICATIONS})


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def ramps(height, width):
    """Red rises from top to bottom, green from left to right."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, height)[:, None]
    image[..., 1] = np.linspace(0, 255, width)[None, :]
    return image


@pytest.mark.parametrize("family", KERAS_FAMILIES)
def test_each_family_equals_keras_own_preprocess_input(family):
    module = importlib.import_module(f"keras.applications.{family}")
    image = noise(32, 32)
    expected = module.preprocess_input(image.astype(np.float32)[None].copy())[0]
    ours = family_preprocessing(family, (32, 32))(image)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=2e-5)


def test_lite0_scales_by_127_over_128_and_crops():
    preprocessing = family_preprocessing("EfficientNet_Lite0", (224, 224))
    image = np.full((256, 256, 3), 255, np.uint8)
    assert preprocessing.resize == "crop"
    np.testing.assert_array_equal(preprocessing(image), np.full((224, 224, 3), 1.0, np.float32))


def test_stretch_at_the_models_own_size_changes_no_pixel():
    image = noise(20, 30)
    np.testing.assert_array_equal(Preprocessing((20, 30))(image), image.astype(np.float32))


def test_crop_at_256_is_the_centre_224():
    image = noise(256, 256)
    np.testing.assert_array_equal(
        Preprocessing((224, 224), "crop")(image), image[16:240, 16:240].astype(np.float32)
    )


def test_channel_orders():
    image = noise(8, 8)
    bgr = Preprocessing((8, 8), channel_order="bgr", mean=(1, 2, 3))(image)
    np.testing.assert_array_equal(bgr, image[..., ::-1].astype(np.float32) - [1, 2, 3])
    grey = Preprocessing((8, 8), channel_order="grey")(image)
    assert grey.shape == (8, 8, 1)
    luma = image.astype(float) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(grey[..., 0], luma, atol=1)


@pytest.mark.parametrize("resize", ["stretch", "crop"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (5000, 3000), (3, 2), (224, 224)])
def test_any_image_size(resize, shape):
    tracemalloc.start()
    image = noise(*shape)
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    result = Preprocessing((224, 224), resize)(image)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert result.shape == (224, 224, 3)
    assert np.isfinite(result).all()
    assert peak < 20e6


@pytest.mark.parametrize("size", [(224, 224), (120, 200)])
@pytest.mark.parametrize("shape", [(600, 400), (400, 900), (2000, 2400)])
def test_the_crop_shows_the_rectangle_that_view_tells(shape, size):
    height, width = shape
    seen = Preprocessing(size, "crop")(ramps(height, width))
    top, left, view_height, view_width = Preprocessing(size, "crop").view(height, width)
    rows = (top + (np.arange(size[0]) + 0.5) * view_height / size[0] - 0.5) / (height - 1) * 255
    columns = (left + (np.arange(size[1]) + 0.5) * view_width / size[1] - 0.5) / (width - 1) * 255
    np.testing.assert_allclose(seen[:, size[1] // 2, 0], rows, atol=1.5)
    np.testing.assert_allclose(seen[size[0] // 2, :, 1], columns, atol=1.5)
    assert view_height / view_width == pytest.approx(size[0] / size[1], rel=0.02)


def test_view_of_stretch_is_the_whole_image():
    assert Preprocessing((224, 224)).view(31, 77) == (0.0, 0.0, 31.0, 77.0)


def test_view_of_crop_is_seven_eighths_of_the_shorter_side():
    top, left, height, width = Preprocessing((224, 224), "crop").view(512, 768)
    assert (height, width) == pytest.approx((448, 448))
    assert (top, left) == pytest.approx((32, 160))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": (0, 4)}, "not a \\(height, width\\)"),
        ({"resize": "strech"}, "did you mean 'stretch'"),
        ({"channel_order": "gbr"}, "must be one of rgb, bgr, grey"),
        ({"scale": 0.0}, "scale is 0"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"mean": (1, 2)}, "mean has 2 values, it must have one value or 3"),
        ({"std": ()}, "std has 0 values"),
        ({"std": (1, 0, 1)}, "holds a zero"),
        ({"mean": (float("inf"),)}, "not a finite number"),
        ({"channel_order": "grey", "mean": (1, 2, 3)}, "mean has 3 values, it must have one value"),
    ],
)
def test_bad_settings_are_refused(settings, words):
    with pytest.raises(UserError, match=words):
        Preprocessing(**{"size": (4, 4), **settings})


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        "cat.jpg",
    ],
)
def test_bad_images_are_refused(image):
    with pytest.raises(UserError, match=r"must be a uint8 array \[H, W, 3\]"):
        Preprocessing((4, 4))(image)


def test_settings_override_the_family_and_unknown_families_are_named():
    changed = family_preprocessing("caffe", (4, 4), channel_order="rgb", mean=None)
    assert (changed.channel_order, changed.mean) == ("rgb", FAMILIES["caffe"].mean)
    with pytest.raises(UserError, match=r"did you mean .*'resnet'"):
        family_preprocessing("resnett", (4, 4))
