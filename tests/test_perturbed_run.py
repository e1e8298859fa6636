"""Runs of methods that perturb images: signed arrays, panels, resume, memory, evaluation."""

import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf
import tiny
from click.testing import CliRunner
from listener import Listener

import cli.main
from sgcampp.config.run_config import RunConfig
from sgcampp.engine.scoring import Scorer
from sgcampp.pipeline import run
from sgcampp.tree.open_tree import open_tree
from sgcampp.tree.verify import verify

PERTURBING = ["occlusion", "rise", "score_cam", "lime", "prediction_difference"]
METHODS = [*PERTURBING, "hires_cam", "input_x_gradient"]
SIGNED = {*METHODS} - {"rise", "score_cam"}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    home = tmp_path_factory.mktemp("perturbed")
    tiny.relu_cnn().model.save(home / "tiny.keras")
    rng = np.random.default_rng(0)
    (home / "pictures").mkdir()
    for name in "abc":
        cv2.imwrite(str(home / f"pictures/{name}.png"), rng.integers(0, 256, (16, 20, 3), np.uint8))
    return RunConfig(
        model=str(home / "tiny.keras"),
        layer_name="features",
        method=METHODS,
        target="top2",
        across={"fill": ["black", "mean"]},
        sign="signed",
        window=4,
        perturbations=30,
        superpixels=4,
        scale=1 / 255,
        batch_size=7,
        write=["arrays", "overlays", "heatmaps", "panels"],
        sources=[str(home / "pictures")],
        out=str(home / "out"),
    )


@pytest.fixture(scope="module")
def done(config):
    run(config, Listener())
    return config


def arrays(out):
    return {path.name: np.load(path) for path in sorted(Path(out, "arrays").iterdir())}


def test_rows_tell_of_sign_perturbations_and_fit(done):
    tree = open_tree(done.out)
    for row in tree.rows():
        assert {one.method for one in row.maps} == set(METHODS)
        for one in row.maps:
            assert one.signed == (one.method in SIGNED)
            count = {"occlusion": 9, "rise": 30, "lime": 30, "score_cam": tiny.MAPS}
            count["prediction_difference"] = 9 * 30
            assert one.perturbations == count.get(one.method)
            assert (one.r2 is not None) == (one.method == "lime")
            assert one.layer == (
                "features" if one.method in {"score_cam", "hires_cam"} else "input"
            )
            assert (tree.array(one).min() < 0) <= one.signed
        assert any(tree.array(one).min() < 0 for one in row.maps if one.method == "occlusion")
    assert list(verify(done.out)) == []


def test_fills_make_a_difference_to_methods_that_perturb_alone(done):
    for name, array in arrays(done.out).items():
        if ".fill-black." in name:
            other = np.load(Path(done.out, "arrays", name.replace("fill-black", "fill-mean")))
            perturbs = any(method in name for method in PERTURBING[:-1])
            assert np.array_equal(array, other) != perturbs, name


def test_signed_overlays_have_both_colours(done):
    (path,) = Path(done.out, "heatmaps").glob("a.png.occlusion.fill-black.top1.png")
    red, blue = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB).astype(int)[..., [0, 2]].T
    assert (red > blue + 100).any() and (blue > red + 100).any()


def test_halved_batches_and_a_resume_make_the_same_maps(done, monkeypatch):
    small = RunConfig(**{**asdict(done), "out": done.out + "-small"})
    original = Scorer.__call__

    def limited(self, images, *arguments):
        outputs = original(self, images, *arguments)
        if len(outputs.logits) > 3:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
        return outputs

    from sgcampp.engine.device import on_device

    def on_small_device(self, *arguments):
        with on_device():
            return limited(self, *arguments)

    monkeypatch.setattr(Scorer, "__call__", on_small_device)
    listener = Listener()
    summary = run(small, listener)
    assert summary.explained == 3
    assert any("out of memory" in note for note in listener.notes)
    wanted = arrays(done.out)
    for name, array in arrays(small.out).items():
        scale = np.abs(wanted[name]).max(initial=1e-9)
        np.testing.assert_allclose(array, wanted[name], rtol=0, atol=1e-4 * scale, err_msg=name)
    assert run(small, Listener()).skipped == 3


def test_they_are_evaluated_and_reported_like_others(done):
    for words in (
        ["evaluate", done.out, "--preset", "quick", "--limit", "2"],
        ["report", done.out],
    ):
        result = CliRunner().invoke(cli.main.main, words)
        assert result.exit_code == 0, result.output
    parts = Path(done.out, "evaluation").glob("part-*.jsonl")
    rows = [json.loads(line) for part in parts for line in part.read_text().splitlines()]
    assert {row["method"] for row in rows} >= {*METHODS, "ref_random"}
    assert all(row["metrics"] for row in rows if row["method"] in METHODS and not row["flat"])
    assert "score_cam" in Path(done.out, "report.html").read_text()
