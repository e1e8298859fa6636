"""Whole evaluations of small trees: against brute force, resumed, in shards, refused."""

import math
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny
from listener import Listener

from sgcampp import load_model
from sgcampp.config.run_config import RunConfig
from sgcampp.errors import UserError
from sgcampp.evaluation.opening import Options
from sgcampp.evaluation.running import Evaluation
from sgcampp.metrics.arrays import normalise
from sgcampp.metrics.ordering import pixel_order, step_counts
from sgcampp.metrics.resizing import resize
from sgcampp.pipeline import run
from sgcampp.run.stop import Stop
from sgcampp.tree.open_tree import open_tree

METHODS = ["grad_cam", "grad_cam_pp", "smooth_grad_cam_pp"]
STEPS = 4
BOX = "image,class,x,y,w,h\na.png,2,0,0,6,5\nb.png,2,20,20,5,5\nc.png,0,1,1,3,3\n"


class Ear:
    """Hears how an evaluation goes, and may ask it to stop."""

    def __init__(self, stop=None, after=0):
        self.images, self.done, self.notes = 0, 0, []
        self._stop, self._after = stop, after

    def note(self, sentence):
        self.notes.append(sentence)

    def start(self, images):
        self.images = images

    def finish(self, images):
        self.done += images
        if self._stop and self.done >= self._after:
            self._stop.request()


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    """A tree of five images and a broken one, two classes each."""
    home = tmp_path_factory.mktemp("evaluated")
    pictures = home / "pictures"
    pictures.mkdir()
    rng = np.random.default_rng(0)
    for name in "abcde":
        cv2.imwrite(str(pictures / f"{name}.png"), rng.integers(0, 256, (12, 16, 3), np.uint8))
    (pictures / "x.png").write_bytes(b"no picture")
    tiny.relu_cnn().model.save(home / "tiny.keras")
    config = RunConfig(
        model=str(home / "tiny.keras"),
        scale=0.01,
        method=METHODS,
        layer_name="features",
        nsamples=3,
        std_dev=0.5,
        target="top2",
        write=["arrays"],
        batch_size=8,
        sources=[str(pictures)],
        out=str(home / "out"),
    )
    run(config, Listener())
    (home / "boxes.csv").write_text(BOX)
    return config


@pytest.fixture
def out(explained, tmp_path):
    import shutil

    shutil.copytree(explained.out, tmp_path / "out")
    return tmp_path / "out"


def evaluate(out, ear=None, stop=None, **options):
    evaluation = Evaluation(Path(out), Options(**{"steps": STEPS, **options}))
    evaluation.run(ear or Ear(), stop or Stop())
    return evaluation


def plain(rows):
    """Rows without their times, by map."""
    return {(row.key, row.series, row.target): asdict(replace(row, finished=0.0)) for row in rows}


def test_every_number_is_that_of_one_pass_at_a_time(explained, out):
    evaluation = evaluate(out, boxes=Path(explained.out).parent / "boxes.csv")
    tree, twin = open_tree(out), tiny.relu_cnn()
    classifier = load_model(explained.model, scale=0.01)
    rows = plain(evaluation.rows())
    assert len(rows) == 5 * 2 * (3 + 6)
    for row in tree.rows():
        for m in row.maps:
            (x,) = classifier.preprocess(cv2.imread(str(tree.image(row)), cv2.IMREAD_COLOR_RGB))
            M = resize(tree.array(m), (8, 8))
            order, counts = pixel_order(M), step_counts(64, STEPS)

            def p(image, c=m.class_idx):
                scores = np.exp(twin.logits(image))
                return scores[c] / scores.sum()

            def kept(positions, fill, x=x):
                share = np.zeros(64)
                share[positions] = 1
                share = share.reshape(8, 8, 1)
                return x * share + fill * (1 - share)

            blur = cv2.GaussianBlur(x, (11, 11), 5)
            curves = {
                "insertion_curve": [p(kept(order[:c], blur)) for c in counts],
                "deletion_curve": [p(kept(order[c:], 0)) for c in counts],
                "lerf_curve": [p(kept(order[: 64 - c], 0)) for c in counts],
            }
            (found,) = (
                r
                for (key, series, _), r in rows.items()
                if (key, series.method, r["class_idx"]) == (row.key, m.method, m.class_idx)
            )
            for name, curve in curves.items():
                np.testing.assert_allclose(found["curves"][name], curve, atol=1e-5)
            area = np.trapezoid(curves["deletion_curve"], counts / 64)
            assert found["metrics"]["deletion"] == pytest.approx(area, abs=1e-5)
            p1 = p(x * normalise(M)[..., None])
            drop = 100 * max(0, p(x) - p1) / p(x)
            assert found["metrics"]["average_drop"] == pytest.approx(drop, abs=1e-2)
            assert found["p0"] == pytest.approx(p(x), abs=1e-5)


def test_the_map_of_ones_loses_nothing_and_gains_nothing(out):
    for row in evaluate(out, preset="quick").rows():
        if row.method == "ref_ones":
            assert row.metrics["average_drop"] == row.metrics["average_increase"] == 0


def test_objects_of_other_classes_are_told_apart(explained, out):
    evaluation = evaluate(out, boxes=Path(explained.out).parent / "boxes.csv", metrics=["energy"])
    for row in evaluation.rows():
        why = row.undefined.get("energy")
        if row.key == "a.png" and row.class_idx == 2 and not row.flat:
            assert 0 <= row.metrics["energy"] <= 1
        elif row.key in ("d.png", "e.png"):
            assert why == "not_annotated"
        elif row.class_idx not in (0, 2):
            assert why in ("other_class", "not_annotated")


def test_a_resumed_evaluation_and_shards_give_the_same_rows(out, tmp_path):
    import shutil

    apart = tmp_path / "apart"
    shutil.copytree(out, apart)
    whole = plain(evaluate(out, preset="quick").rows())
    for shard in ((1, 3), (2, 3), (3, 3)):
        evaluate(apart, preset="quick", shard=shard)
    assert len(list(apart.glob("evaluation/part-*.jsonl"))) == 3
    assert plain(evaluate(apart, preset="quick").rows()) == whole

    stopped = tmp_path / "stopped"
    shutil.copytree(out, stopped)
    shutil.rmtree(stopped / "evaluation")
    stop = Stop()
    evaluation = evaluate(stopped, Ear(stop, 1), stop, preset="quick")
    assert stop.requested
    assert len(plain(evaluation.rows())) <= len(whole)
    part = stopped / "evaluation/part-00000.jsonl"
    lines = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(lines[:-1]) + lines[-1][:-20])  # torn by a kill
    ear = Ear()
    assert plain(evaluate(stopped, ear, preset="quick").rows()) == whole
    assert ear.done == ear.images == 5


def test_another_batch_size_changes_last_digits_alone(out, tmp_path):
    import shutil

    apart = tmp_path / "apart"
    shutil.copytree(out, apart)
    whole, other = (
        plain(evaluate(tree, batch_size=b).rows()) for tree, b in ((out, None), (apart, 3))
    )
    assert whole.keys() == other.keys()
    for map_, row in whole.items():
        for numbers in ("metrics", "curves"):
            assert row[numbers].keys() == other[map_][numbers].keys()
            for name, value in row[numbers].items():
                np.testing.assert_allclose(other[map_][numbers][name], value, 1e-4, 1e-4)
    with pytest.raises(UserError, match="differs in batch_size: 3 → 16"):
        evaluate(apart)


def test_other_parameters_are_another_evaluation(out):
    evaluate(out, preset="quick")
    for change, word in (
        ({"preset": "standard"}, "metrics"),
        ({"preset": "quick", "seed": 1}, "seed: 0 → 1"),
        ({"preset": "quick", "limit": 2}, "limit"),
    ):
        with pytest.raises(UserError, match=f"another evaluation, which differs in .*{word}"):
            evaluate(out, **change)


def test_another_model_is_refused_and_a_changed_picture_is_a_failed_row(explained, out, tmp_path):
    tree = open_tree(out)
    picture = tree.image(next(row for row in tree.rows() if row.key == "b.png"))
    before = picture.read_bytes()
    try:
        changed = bytearray(before)
        changed[-20] ^= 1
        picture.write_bytes(bytes(changed))
        rows = list(evaluate(out, preset="quick").rows())
    finally:
        picture.write_bytes(before)
    reasons = {row.key: row.reason for row in rows if row.status == "failed"}
    assert set(reasons) == {"b.png"}
    assert reasons["b.png"] in {"changed", "corrupt"}
    assert {row.key for row in evaluate(out, preset="quick").rows() if row.status == "failed"}
    mended = plain(evaluate(out, preset="quick", retry_failed=True).rows())  # the last row holds
    assert {row["status"] for row in mended.values()} == {"ok"}
    text = (out / "run.yaml").read_text()
    fingerprint = tree.record.model_fingerprint
    (out / "run.yaml").write_text(text.replace(fingerprint, "0" * 64))
    with pytest.raises(UserError, match="is not the model that made the maps"):
        evaluate(out)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"steps": 1}, "steps is 1, accepted"),
        ({"seed": -1}, "seed is -1, accepted"),
        ({"limit": 0}, "limit is 0, accepted"),
        ({"batch_size": 0}, "batch_size is 0, accepted"),
        ({"fill": ["white"]}, "fill is 'white', accepted"),
        ({"metrics": ["average_dorp"]}, "did you mean 'average_drop'"),
        ({"classes": Path("c.csv")}, "give boxes too"),
        ({"boxes": Path("none.json")}, "none.json"),
        ({"against": "cam"}, "against is 'cam', of which there is no map; accepted: grad_cam, "),
    ],
)
def test_bad_settings_are_refused_in_a_sentence(out, options, words):
    with pytest.raises(UserError, match=words):
        evaluate(out, **options)
    assert not (out / "evaluation").exists()


def test_a_tree_without_arrays_can_not_be_evaluated(out):
    text = (out / "run.yaml").read_text()
    (out / "run.yaml").write_text(text.replace('write: ["arrays"]', 'write: ["overlays"]'))
    with pytest.raises(UserError, match="no arrays to evaluate"):
        evaluate(out)


def test_one_image_alone_has_no_shuffled_map(out):
    rows = list(evaluate(out, preset="quick", limit=1).rows())
    methods = {row.method for row in rows}
    assert "ref_random" in methods
    assert "ref_shuffled" not in methods


def test_what_it_costs_is_told_before(out):
    cost = Evaluation(out, Options(steps=STEPS)).cost()
    assert (cost.images, cost.maps) == (5, 5 * 2 * 3)
    a_map = 1 + 3 * (STEPS - 1)
    assert cost.passes == 5 * 3 + (5 * 2 * 3 + 5 * 2 * 6) * a_map
    assert cost.seconds > 0
    third = Evaluation(out, Options(steps=STEPS, shard=(2, 3))).cost()
    assert (third.images, third.passes) == (2, math.ceil(cost.passes * 2 / 5))


def test_what_is_done_costs_nothing(out):
    evaluate(out, preset="quick", shard=(1, 2))
    left = Evaluation(out, Options(steps=STEPS, preset="quick")).cost()
    assert (left.images, left.maps) == (2, 12)
    evaluate(out, preset="quick")
    done = Evaluation(out, Options(steps=STEPS, preset="quick")).cost()
    assert (done.images, done.maps, done.passes, done.seconds) == (0, 0, 0, 0)
    with pytest.raises(UserError, match="another evaluation, which differs in metrics"):
        Evaluation(out, Options(steps=STEPS)).cost()


def test_subsets_of_cells_are_scored_once_an_image(out):
    rows = [row for row in evaluate(out, metrics=["mu_fidelity"]).rows() if not row.undefined]
    assert rows
    assert all(-1 <= row.metrics["mu_fidelity"] <= 1 for row in rows)
