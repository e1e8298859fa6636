"""One of each kind, registered from outside: from the command line to manifest, report, verify."""

import json

import cv2
import numpy as np
import pytest
import tiny
from click.testing import CliRunner

import cli.main
from sgcampp.errors import UserError
from sgcampp.explain.masks import Boxes
from sgcampp.explain.method import METHODS, Needs, method
from sgcampp.explain.perturbation import Found
from sgcampp.models.sources import MODEL_SOURCES, Sourced, model_source
from sgcampp.pictures.writers import WRITERS, writer
from sgcampp.registry import Registry
from sgcampp.tree.open_tree import open_tree
from sgcampp.tree.verify import verify

SIDE = 2
CORNERS = np.array([[4 * (n // SIDE), 4 * (n % SIDE)] for n in range(SIDE * SIDE)], np.int32)
HELD_OUT = np.ones((SIDE * SIDE, 8, 8), np.float32)
for held_out, (row, column) in zip(HELD_OUT, CORNERS, strict=True):
    held_out[row : row + 4, column : column + 4] = 0


@pytest.fixture
def registered():
    """A method, a writer and a model source; gone afterwards."""

    @method(needs=Needs.SCORES, passes=lambda settings, shape: SIDE * SIDE)
    def quarters(subject, settings):
        """Quarters: how much the score falls without a quarter of the image (a test, 2026)."""
        scored = yield Boxes(np.concatenate([CORNERS, CORNERS + 4], 1))
        falls = scored.clean_scores[:, None] - scored.scores
        return Found(falls.transpose(0, 2, 1).reshape(len(subject.images), -1, SIDE, SIDE))

    @writer("peaks", ".txt", draws=False)
    def peaks(finished):
        return f"{finished.saliency.max():.6g}\n".encode()

    @writer("counts", ".json", of_image=True)
    def counts(finished):
        return json.dumps(len(finished.maps)).encode()

    @model_source("tiny")
    def tiny_source(name, weights, trusted):
        return Sourced(name, tiny.relu_cnn().model, weights) if name == "tiny" else None

    yield
    for registry, name in (
        (METHODS, "quarters"),
        (WRITERS, "peaks"),
        (WRITERS, "counts"),
        (MODEL_SOURCES, "tiny"),
    ):
        del registry._things[name]


@pytest.fixture
def out(registered, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    rng = np.random.default_rng(0)
    for name in "abc":
        cv2.imwrite(str(pictures / f"{name}.png"), rng.integers(0, 256, (9, 12, 3), np.uint8))
    words = ["explain", str(pictures), "-o", str(tmp_path / "out"), "--model", "tiny"]
    words += ["--scale", "0.01", "--method", "quarters,grad_cam", "--target", "top2"]
    words += ["--write", "arrays,overlays,panels,peaks,counts", "--batch-size", "3"]
    result = CliRunner().invoke(cli.main.main, words)
    assert result.exit_code == 0, result.output
    return tmp_path / "out"


def test_all_of_them_reach_the_manifest_and_hold(out):
    rows = list(open_tree(out).rows())
    assert [row.key for row in rows] == ["a.png", "b.png", "c.png"]
    for row in rows:
        assert [(m.method, m.layer) for m in row.maps[2:]] == [("quarters", "input")] * 2
        assert (out / row.files["counts"]).read_text() == "4"
        for of_map in row.maps:
            peak = float((out / of_map.files["peaks"]).read_text())
            array = np.load(out / of_map.files["arrays"])
            assert peak == pytest.approx(array.max(), rel=1e-5)
            assert list(array.shape) == of_map.shape
    assert list(verify(out)) == []


def test_a_method_of_scores_gets_the_scores_of_its_masked_images(out):
    """By brute force: one image, one mask, one pass at a time."""
    from sgcampp import load_model

    twin, classifier = tiny.relu_cnn(), load_model("tiny", scale=0.01)
    tree = open_tree(out)
    for row in tree.rows():
        rgb = cv2.imread(str(tree.image(row)), cv2.IMREAD_COLOR_RGB)
        (x,) = classifier.preprocess(rgb)
        for of_map in row.maps:
            if of_map.method == "quarters":
                whole = twin.logits(x)[of_map.class_idx]
                falls = [whole - twin.logits(x * m[..., None])[of_map.class_idx] for m in HELD_OUT]
                expected = np.maximum(falls, 0).reshape(SIDE, SIDE)
                np.testing.assert_allclose(tree.array(of_map), expected, atol=1e-5)
                assert of_map.score == pytest.approx(whole, abs=1e-5)


def test_damage_to_a_file_of_another_kind_is_found(out):
    (out / "peaks/a.png.quarters.top1.txt").write_text("2\n")
    (out / "peaks/stray.txt").touch()
    found = {problem.path: problem.what for problem in verify(out)}
    assert found == {
        "peaks/a.png.quarters.top1.txt": "differs from its recorded SHA-256",
        "peaks/stray.txt": "belongs to no row of the manifest",
    }


def test_the_report_and_a_resume_know_them(out):
    result = CliRunner().invoke(cli.main.main, ["report", str(out)])
    assert result.exit_code == 0, result.output
    assert "quarters" in (out / "report.html").read_text()
    words = ["explain", "--config", str(out / "run.yaml")]
    result = CliRunner().invoke(cli.main.main, words)
    assert result.exit_code == 0, result.output
    assert "3 done before" in result.stderr
    result = CliRunner().invoke(cli.main.main, [*words, "--overwrite", "--write", "peaks"])
    assert result.exit_code == 0, result.output
    assert not (out / "counts").exists()
    assert list(verify(out)) == []


def test_without_them_they_are_unknown(tmp_path):
    for words in (["--method", "quarters"], ["--write", "peaks"], ["--model", "tiny"]):
        line = ["explain", str(tmp_path), "-o", str(tmp_path / "out"), *words]
        (tmp_path / "a.png").touch()
        result = CliRunner().invoke(cli.main.main, line)
        assert result.exit_code == 2
        assert words[1] in result.stderr


def test_a_name_is_registered_once_and_an_unknown_one_has_neighbours():
    registry = Registry[int]("number")
    registry.register("one", 1)
    registry.register("three", 3)
    assert (list(registry), registry["one"], registry.find("three")) == (["one", "three"], 1, 3)
    with pytest.raises(ValueError, match="number 'one' already"):
        registry.register("one", 2)
    with pytest.raises(UserError, match="accepted: one, three; did you mean 'three'"):
        registry.find("thre")
