"""Feature maps by class: shares worked by hand, the command, its table and its page."""

import json

import cv2
import numpy as np
import pytest
import tiny
from click.testing import CliRunner

import cli.main
from sgcampp import UserError
from sgcampp.report.filters import filters_by_class
from sgcampp.tree.rows import OK, MapRow, Row


def row(key, name, *pairs):
    """An image of a class, with the weights of its feature maps in order."""
    settled = {"method": "grad_cam", "layer": "conv", "class_idx": 0, "class_name": name}
    whole = MapRow(filters=[k for k, _ in pairs], weights=[w for _, w in pairs], **settled)
    singles = [
        MapRow({"overlays": f"overlays/{key}.k{k}.png"}, filters=[k], weights=[w], **settled)
        for k, w in pairs
    ]
    return Row(key, OK, maps=[whole, *singles])


def test_shares_by_hand():
    """Tom: 3/4 and 1/4; Eva: 1/2 and 1/2; so 7 has (3/4 + 1/2) / 2. A negative weight counts 0."""
    rows = [
        row("tom", "cat", (7, 3), (2, 1)),
        row("eva", "cat", (7, 2), (5, 2)),
        row("rex", "dog", (2, 4), (1, -1)),
    ]
    cat, dog = filters_by_class(rows)
    assert (cat.words, cat.images, dog.words, dog.images) == ("cat", 2, "dog", 1)
    ranked = [(one.number, share, one.images) for share, one in cat.ranked()]
    assert ranked == [(7, 0.625, 2), (5, 0.25, 1), (2, 0.125, 1)]
    ((_, first), *_) = cat.ranked()
    assert [(one.key, one.share) for one in first.driven] == [("tom", 0.75), ("eva", 0.5)]
    assert first.driven[0].picture == "overlays/tom.k7.png"
    assert [(one.number, share) for share, one in dog.ranked()] == [(2, 1.0)]


def test_a_single_feature_map_is_no_image_of_its_own():
    (cat,) = filters_by_class([row("tom", "cat", (7, 3)), row("eva", "cat", (1, 1))])
    assert cat.images == 2
    assert [one.number for _, one in cat.ranked()] == [1, 7]


def test_only_the_first_images_and_feature_maps_are_listed():
    rows = [row(f"{i:02d}", "cat", *((k, 1 + (k == i)) for k in range(12))) for i in range(12)]
    (cat,) = filters_by_class(rows)
    assert len(cat.ranked()) == 8
    assert [one.key for one in cat.standings[3].driven] == ["03", "00", "01", "02"]


def test_rows_without_weights_are_refused():
    with pytest.raises(UserError, match="explain with --filters top8"):
        filters_by_class([Row("tom", OK, maps=[MapRow(method="grad_cam")])])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    tiny.relu_cnn().model.save(home / "m.keras")
    (home / "photos").mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b <i>", "c"):
        picture = rng.integers(0, 256, (12, 10, 3), np.uint8)
        cv2.imwrite(str(home / "photos" / f"{name}.png"), picture)
    (home / "photos" / "broken.png").write_bytes(b"\x89PNG nothing")
    return home


def test_the_command_lists_them_and_writes_a_page(home, tmp_path, monkeypatch):
    monkeypatch.chdir(home)
    out = tmp_path / "out"
    words = ["filters", "photos", "--model", "m.keras", "--scale", "0.01", "-o", str(out)]
    asked = [*words, "--filters", "top2", "--target", "1", "--layer", "features"]
    result = CliRunner().invoke(cli.main.main, asked, prog_name="sgcampp")
    assert result.exit_code == 1, result.output  # one is broken
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert lines and all(
        line[0] == "class 1" and line[1].startswith("feature map ") for line in lines
    )
    shares = [float(line[2]) for line in lines]
    assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(1, abs=0.01)
    page = (out / "filters.html").read_text()
    assert "class 1 <small>3 images" in page and "b &lt;i&gt;.png" in page and "<i>" not in page
    again = CliRunner().invoke(cli.main.main, [*asked, "--json"], prog_name="sgcampp")
    (of_class,) = json.loads(again.stdout)
    assert of_class["images"] == 3 and of_class["layer"] == "features"
    for one in of_class["filters"]:
        for most in one["most"]:
            assert (out / most["picture"]).exists()
            assert f"k{one['filter']:03d}" in most["picture"]
    named = page.count('<img src="overlays/')
    assert named == sum(len(one["most"]) for one in of_class["filters"])
