"""Real photographs through the command: the classes are right and the heat lies on the things."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import cli.main
from scripts.photographs import copy_photographs
from sgcampp.pictures import rendering

# Rows and columns of the photographs, all within the centre crop that the model sees.
SIZES = {"chelsea.png": (300, 451), "coffee.png": (400, 600), "rocket.jpg": (427, 640)}
THING = {
    "chelsea.png": (slice(60, 275), slice(130, 310)),  # the cat's face
    "coffee.png": (slice(90, 300), slice(200, 400)),  # the cup
    "rocket.jpg": (slice(125, 380), slice(300, 345)),  # the rocket
}
ELSEWHERE = {
    "chelsea.png": [(slice(190, 281), slice(340, 356))],  # the wall behind the cat
    "coffee.png": [(slice(30, 80), slice(130, 180)), (slice(320, 370), slice(420, 470))],  # table
    "rocket.jpg": [
        (slice(30, 400), slice(140, 200)),
        (slice(30, 400), slice(440, 500)),
    ],  # sky, towers
}
CLASSES = {
    "chelsea.png": {281, 282, 285},  # tabby, tiger cat, Egyptian cat
    "coffee.png": {967, 968},  # espresso, cup
    "rocket.jpg": {657, 744, 812},  # missile, projectile, space shuttle
}
RUNS = {
    "default": [],
    "smooth": ["--layer-name", "block14_expand_act", "--nsamples", "8"],
}


def _heat(saliency, size, view):
    """The heat of each pixel of a picture, float32 [H, W], 0 to 1."""
    return np.concatenate(
        [heat for _, heat in rendering._strips(saliency, size, view, None, signed=False)]
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory, lite0):
    """(rows by key, upsampled maps by key) of each run."""
    directory = tmp_path_factory.mktemp("photographs")
    copy_photographs(directory / "photographs")
    found = {}
    for name, flags in RUNS.items():
        words = ["explain", str(directory / "photographs"), "-o", str(directory / name), *flags]
        result = CliRunner().invoke(cli.main.main, [*words, "--json", "--write", "arrays"])
        assert result.exit_code == 0, result.stderr
        rows = {row["key"]: row for row in map(json.loads, result.stdout.splitlines())}
        maps = {key: np.load(directory / name / f"arrays/{key}.npy") for key in rows}
        found[name] = rows, maps
    return found


def contrast(runs, run, key, lite0):
    """Mean heat of a pixel on the thing, over that of a pixel elsewhere."""
    size = SIZES[key]
    pixels = _heat(runs[run][1][key], size, lite0.preprocessing.view(*size))
    elsewhere = np.concatenate([pixels[place].ravel() for place in ELSEWHERE[key]])
    return pixels[THING[key]].mean() / elsewhere.mean()


@pytest.mark.parametrize("run", RUNS)
def test_the_classes_are_what_the_photographs_show(runs, run):
    rows, _ = runs[run]
    for key, accepted in CLASSES.items():
        (record,) = rows[key]["maps"]
        assert record["class_idx"] in accepted
    names = {key: row["maps"][0]["class_name"] for key, row in rows.items()}
    assert "cat" in names["chelsea.png"]
    assert all(name and name.isprintable() for name in names.values())
    assert rows["coffee.png"]["maps"][0]["probability"] > 0.8
    assert rows["astronaut.png"]["maps"][0]["probability"] < 0.5  # no such class: unsure


@pytest.mark.parametrize(
    ("run", "key", "at_least"),
    [
        ("default", "chelsea.png", 1.5),
        ("default", "coffee.png", 3),
        ("default", "rocket.jpg", 1.5),
        ("smooth", "coffee.png", 1.2),
        ("smooth", "rocket.jpg", 1.2),
    ],
)
def test_the_heat_lies_on_the_thing(runs, lite0, run, key, at_least):
    assert contrast(runs, run, key, lite0) > at_least


@pytest.mark.parametrize("key", THING)
def test_the_hottest_place_of_the_smoothed_map_lies_on_the_thing(runs, lite0, key):
    size = SIZES[key]
    pixels = _heat(runs["smooth"][1][key], size, lite0.preprocessing.view(*size))
    row, column = np.unravel_index(pixels.argmax(), size)
    rows, columns = THING[key]
    assert rows.start <= row < rows.stop
    assert columns.start <= column < columns.stop


def test_smoothing_acts_before_the_head_and_not_after_it(runs):
    for run, affine in (("default", True), ("smooth", False)):
        for row in runs[run][0].values():
            (record,) = row["maps"]
            assert record["affine_head"] == affine
            assert record["ess"] == 1 if affine else 1 < record["ess"] < 8
