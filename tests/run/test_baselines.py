"""Baselines of runs: words, image files, and another file under the same name."""

import cv2
import numpy as np
import pytest
import tiny

from sgcampp import Explainer, UserError, load_model
from sgcampp.config.run_config import RunConfig
from sgcampp.run.baselines import read_baselines


@pytest.fixture(scope="module")
def classifier():
    return load_model(tiny.relu_cnn().model, scale=1 / 255)


def read(classifier, **keys):
    return read_baselines(RunConfig(**keys), classifier)


def grey(path, value):
    cv2.imwrite(str(path), np.full((12, 16, 3), value, np.uint8))
    return str(path)


def test_an_image_file_is_prepared_as_images_are(classifier, tmp_path):
    path = grey(tmp_path / "grey.png", 51)
    got = read(classifier, method="deep_lift", baseline=path)
    np.testing.assert_allclose(got.baselines.given[path], np.full((8, 8, 3), 0.2), rtol=1e-6)
    grey(tmp_path / "grey.png", 52)
    other = read(classifier, method="deep_lift", baseline=path)
    assert None not in {got.sha256, other.sha256}
    assert got.sha256 != other.sha256


def test_words_and_methods_without_a_baseline_read_no_file(classifier):
    for keys in ({"baseline": "blur", "method": "deep_lift"}, {"baseline": "nowhere.png"}):
        got = read(classifier, **keys)
        assert (dict(got.baselines.given), got.sha256) == ({}, None)


def test_several_baselines_of_one_run(classifier, tmp_path):
    path = grey(tmp_path / "grey.png", 90)
    keys = {"method": ["deep_lift", "gradient"], "across": {"baseline": ["zeros", path, "mean"]}}
    looks = [asked.look for asked in RunConfig(**keys).looks]
    lifted = [look.baseline for look in looks if look.method.name == "deep_lift"]
    assert lifted == ["zeros", path, "mean"]
    assert len({look for look in looks if look.method.name == "gradient"}) == 1
    assert list(read(classifier, **keys).baselines.given) == [path]


@pytest.mark.parametrize(
    ("name", "reason"), [("blurr", "did you mean 'blur'"), ("no/such.png", "file")]
)
def test_what_is_neither_a_word_nor_an_image_is_refused(classifier, name, reason):
    with pytest.raises(
        UserError, match="accepted: zeros, black, mean, blur or an image"
    ) as refused:
        read(classifier, method="integrated_gradients", baseline=name)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_black_is_the_classifier_s(classifier):
    dark = load_model(classifier.model, scale=1 / 255, mean=0.5)
    images = tiny.images(1)
    black = Explainer(dark, None, "deep_lift", baseline="black")(images)
    given = Explainer(dark, None, "deep_lift", baseline=np.full((8, 8, 3), -0.5))(images)
    np.testing.assert_array_equal(black.maps, given.maps)
    zeros = Explainer(dark, None, "deep_lift")(images)
    assert np.abs(black.maps - zeros.maps).max() > 0.01 * zeros.maps.max()
