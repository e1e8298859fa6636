"""Runs that look at several things at once: methods, layers, settings, classes; and panels."""

from dataclasses import asdict

import cv2
import numpy as np
import pytest
import tiny
from listener import Listener

from sgcampp import UserError
from sgcampp.config.run_config import RunConfig
from sgcampp.pipeline import run
from sgcampp.run.backlog import Drive
from sgcampp.storage.local import LocalStore
from sgcampp.tree.index import read_manifest
from sgcampp.tree.rows import FAILED, OK
from sgcampp.tree.verify import verify

LABELS = "cat\ndog\nbird\nfish\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Two models, labels and three pictures."""
    home = tmp_path_factory.mktemp("home")
    tiny.relu_cnn().model.save(home / "tiny.keras")
    tiny.affine_cnn().save(home / "affine.keras")
    (home / "labels.txt").write_text(LABELS)
    rng = np.random.default_rng(0)
    for name in ("a/tom", "a/eva", "b/tom"):
        path = home / "pictures" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 255, (20, 24, 3), np.uint8))
    return home


@pytest.fixture
def explain(home, tmp_path):
    """Runs a config over the pictures: (summary, rows by key, notes, output directory)."""

    def explain(model="tiny", drive=None, out="out", **keys):
        config = RunConfig(
            **{
                "model": str(home / f"{model}.keras"),
                "labels": str(home / "labels.txt"),
                "scale": 1 / 255,
                "batch_size": 6,
                "sources": [str(home / "pictures")],
                "out": str(tmp_path / out),
                **keys,
            }
        )
        listener = Listener()
        summary = run(config, listener, drive or Drive())
        rows = {row.key: row for row in read_manifest(LocalStore(tmp_path / out))}
        return summary, rows, listener.notes, tmp_path / out

    return explain


def array(out, record):
    return np.load(out / record.files["arrays"])


def test_methods_at_layers_in_one_run_are_those_of_single_runs(explain):
    methods = ["smooth_grad_cam_pp", "grad_cam", "smooth_grad", "guided_grad_cam_pp"]
    layers = ["features", "pooled"]
    shared = {"nsamples": 3, "std_dev": 0.3, "target": "top2", "write": "arrays"}
    _, rows, _, out = explain(method=methods, layer_name=layers, **shared)
    assert list(verify(out)) == []
    seen = {}
    for record in rows["a/tom.png"].maps:
        seen.setdefault((record.layer, record.method), []).append(record)
    layered = [m for m in methods if m != "smooth_grad"]
    assert list(seen) == [(x, m) for x in layers for m in layered] + [("input", "smooth_grad")]
    # Each method once, and each layer: on the diagonal of what the run looked at.
    diagonal = [(layers[at % 2], method) for at, method in enumerate(layered)]
    for at, (layer, method) in enumerate([*diagonal, ("input", "smooth_grad")]):
        records = seen[layer, method]
        single = {"method": method, "layer_name": None if layer == "input" else layer}
        _, alone, _, there = explain(out=f"alone-{at}", **single, **shared)
        for record, other in zip(records, alone["a/tom.png"].maps, strict=True):
            expected = array(there, other)
            assert list(expected.shape) == record.shape
            np.testing.assert_allclose(array(out, record), expected, atol=1e-5 * expected.max())
            pairs = zip(asdict(record).items(), asdict(other).items(), strict=True)
            unlike = {name for (name, a), (_, b) in pairs if a != b}
            rounded = {"log_scale", "ess", "score", "probability", "relative_se"}
            assert unlike <= {"files", "sha256", *rounded}


def test_names_of_files_tell_what_the_run_has_several_of(explain):
    settings = {"target": ["2", "0-vs-2"], "filters": [1, 3], "write": "arrays"}
    across = {"std_dev": [0.1, 0.3]}
    _, rows, _, _ = explain(layer_name=["features"], nsamples=1, across=across, **settings)
    names = [record.files["arrays"] for record in rows["b/tom.png"].maps]
    assert names == [
        f"arrays/b/tom.png.std_dev-{std_dev}.{target}{k}.npy"
        for std_dev in ("0_1", "0_3")
        for target in ("class2", "class0-vs-class2")
        for k in ("", ".k001", ".k003")
    ]


def test_across_is_the_product_of_its_values(explain):
    across = {"nsamples": [0, 2, 4], "activations": ["clean", "mean"]}
    _, rows, _, out = explain(layer_name="features", across=across, write="arrays", seed=3)
    found = {tuple(r.across.values()): r for r in rows["a/eva.png"].maps}
    assert list(found) == [(n, a) for n in (0, 2, 4) for a in ("clean", "mean")]
    assert [r.nsamples for r in found.values()] == [0, 0, 2, 2, 4, 4]
    for n, activations in ((0, "mean"), (2, "clean"), (4, "mean")):
        record = found[n, activations]
        single = {"nsamples": n, "activations": activations, "write": "arrays", "seed": 3}
        _, alone, _, there = explain(out=f"{n}{activations}", layer_name="features", **single)
        expected = array(there, alone["a/eva.png"].maps[0])
        np.testing.assert_allclose(array(out, record), expected, atol=1e-5 * expected.max())


def test_several_subsets_of_neurons_come_from_one_sampling(explain):
    boxes = [[[0, 0], [3, 3]], [[4, 4], [7, 7]]]
    _, rows, _, out = explain(
        layer_name="features", nsamples=2, region=True, across={"subset": boxes}
    )
    first, second = (array(out, record) for record in rows["a/tom.png"].maps)
    assert first[:4, :4].any() and not first[4:].any() and not first[:, 4:].any()
    assert second[4:, 4:].any() and not second[:4].any() and not second[:, :4].any()


def test_a_contrast_is_recorded_with_both_classes(explain):
    _, rows, _, _ = explain(layer_name="features", target=["cat-vs-dog", "cat", "dog"])
    contrast, cat, dog = rows["a/tom.png"].maps
    assert (contrast.class_name, contrast.against_name) == ("cat", "dog")
    assert contrast.score == pytest.approx(cat.score - dog.score, abs=1e-6)
    assert contrast.probability == pytest.approx(cat.probability)
    assert cat.against_idx is None


def test_more_targets_than_the_model_has_classes(explain):
    _, rows, _, _ = explain(layer_name="features", target=[0, 1, 2, 3, "0-vs-1", "top1-vs-top2"])
    assert [record.class_idx for record in rows["a/tom.png"].maps[:5]] == [0, 1, 2, 3, 0]
    assert len(rows["a/tom.png"].maps) == 6


def test_all_classes_above_a_probability(explain):
    _, all_of_them, _, _ = explain(layer_name="features", target="top4", out="all")
    second = sorted(row.maps[1].probability for row in all_of_them.values())
    threshold = round((second[0] + second[1]) / 2, 4)
    _, rows, _, out = explain(layer_name="features", target=f"p>{threshold}")
    assert list(verify(out)) == []
    for key, row in rows.items():
        likely = [r.class_idx for r in all_of_them[key].maps if r.probability > threshold]
        assert [record.class_idx for record in row.maps] == likely
    assert len({len(row.maps) for row in rows.values()}) > 1
    _, rows, _, out = explain(layer_name="features", target="p>0.9", out="none")
    assert all(row.status == OK and not row.maps for row in rows.values())
    assert rows["a/tom.png"].note == "no class has a probability above 0.9"
    summary, *_ = explain(layer_name="features", target="p>0.9", out="none")
    assert (summary.skipped, summary.exit_code) == (3, 0)


def test_classes_of_images_from_a_file(explain, tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text("remark,image,class\nx,a/tom.png,dog\n,tom.png,cat\n,eva.png,top1-vs-top2\n")
    summary, rows, _, _ = explain(layer_name="features", target=str(path))
    assert summary.exit_code == 0
    assert rows["a/tom.png"].maps[0].class_name == "dog"
    assert rows["b/tom.png"].maps[0].class_name == "cat"
    assert rows["a/eva.png"].maps[0].against_idx is not None
    path.write_text("image,class\ntom.png,1\n")
    with pytest.raises(UserError, match="differs in the classes in the target file"):
        explain(layer_name="features", target=str(path))
    summary, rows, _, _ = explain(layer_name="features", target=str(path), out="other")
    assert summary.exit_code == 1
    assert (rows["a/eva.png"].status, rows["a/eva.png"].reason) == (FAILED, "no_target")
    assert "classes.csv names no class for this image" in rows["a/eva.png"].error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column"),
        ("image,label\na,b\n", "has no column class"),
        ("image,class\n", "names no image"),
        ("image,class\ntom.png,cta\n", "line 2: unknown class 'cta'; did you mean 'cat'"),
        ("image,class\ntom.png,9\n", "line 2: class .*9.* (does not exist|is out of range)"),
        ("image,class\ntom.png,\n", "line 2: accepted is an image and its class"),
        ("image,class\ntom.png,1\ntom.png,2\n", "line 3: image 'tom.png' stands there twice"),
        ("image,class\ntom.png,top2\n", "line 2: 'top2' are several classes"),
        ('image,class\n"tom.png,1\n', "no CSV in UTF-8"),
        (b"image,class\n\xff,1\n", "no CSV in UTF-8"),
        (None, "can't be read"),
    ],
)
def test_bad_files_of_classes_are_refused_with_their_line(explain, tmp_path, text, message):
    path = tmp_path / "classes.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=message):
        explain(target=str(path))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("p>1.5", "accepted: p>0 to p>0.99"),
        ("p>x", "accepted: p>0 to p>0.99"),
        (["p>0.2", "cat"], "that one alone"),
        ("cat-vs-cat", "both are the same class"),
        ("cat-vs-", "two classes"),
        ("cat-vs-dog-vs-fish", "two classes"),
        ("9" * 30, "(too large|out of range|does not exist)"),
        ("top1001", "at most top1000"),
        ("cat-vs-9", "9"),
    ],
)
def test_bad_targets_are_refused(explain, target, message):
    with pytest.raises(UserError, match=message):
        explain(target=target)


def test_panels_are_written_once_an_image_and_made_again_when_lost(explain):
    keys = {
        "method": ["grad_cam", "smooth_grad_cam_pp", "gradient"],
        "layer_name": ["features", "pooled"],
        "write": ["panels"],
        "nsamples": 2,
    }
    _, rows, _, out = explain(**keys)
    panels = sorted(path.relative_to(out).as_posix() for path in out.glob("panels/**/*.png"))
    assert panels == sorted(row.files["panels"] for row in rows.values())
    assert panels == [f"panels/{key}.png" for key in sorted(rows)]
    assert not (out / "arrays").exists()
    assert list(verify(out)) == []
    before = (out / panels[0]).read_bytes()
    (out / panels[0]).unlink()
    summary, *_ = explain(**keys)
    assert (summary.explained, summary.skipped) == (1, 2)
    assert (out / panels[0]).read_bytes() == before
    (out / panels[1]).write_bytes(before)
    assert [problem.path for problem in verify(out)] == [panels[1]]


def test_noise_that_reaches_one_layer_only_is_said_of_the_other(explain):
    keys = {"layer_name": ["early", "features"], "nsamples": 4, "std_dev": 0.5}
    _, rows, notes, _ = explain(model="affine", method="smooth_grad_cam_pp", **keys)
    assert sum("affine in layer 'features'" in note for note in notes) == 1
    assert not any("'early'" in note for note in notes)
    early, features = rows["a/tom.png"].maps
    assert (early.affine_head, early.nsamples) == (False, 4)
    assert (features.affine_head, features.nsamples) == (True, 0)


def test_methods_that_a_model_cannot_serve_say_why_before_anything_is_written(explain, tmp_path):
    with pytest.raises(UserError, match="cam needs a model that ends in global average pooling"):
        explain(layer_name="features", method=["grad_cam", "cam"])
    assert not (tmp_path / "out").exists()


def test_integrated_gradients_say_when_their_steps_are_too_few(explain):
    _, rows, notes, _ = explain(method="integrated_gradients", ig_steps=1, write="arrays")
    assert max(row.maps[0].completeness for row in rows.values()) > 0.05
    assert any("use more ig_steps" in note for note in notes)
    _, rows, notes, _ = explain(
        method="integrated_gradients", ig_steps=1000, write="arrays", out="finer"
    )
    assert all(row.maps[0].completeness < 0.01 for row in rows.values())
    assert not any("ig_steps" in note for note in notes)


def test_steps_taken_stand_in_the_rows(explain):
    keys = {"method": "integrated_gradients", "ig_steps": 4, "write": "arrays"}
    _, rows, notes, _ = explain(ig_tolerance=0.02, **keys)
    found = [row.maps[0] for row in rows.values()]
    assert max(record.completeness for record in found) <= 0.02
    assert all(record.nsamples == record.ess for record in found)
    assert max(record.nsamples for record in found) > 4
    assert not any("ig_steps" in note for note in notes)


def test_baselines_are_told_apart_and_another_file_is_another_run(explain, tmp_path):
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((20, 24, 3), 99, np.uint8))
    keys = {"method": "deep_lift", "across": {"baseline": ["zeros", str(path)]}, "write": "arrays"}
    _, rows, _, out = explain(**keys)
    zeros, grey = rows["a/tom.png"].maps
    assert [record.across["baseline"] for record in (zeros, grey)] == ["zeros", str(path)]
    assert max(zeros.completeness, grey.completeness) < 1e-3
    assert np.abs(array(out, zeros) - array(out, grey)).max() > 0
    summary, *_ = explain(**keys)
    assert summary.skipped == 3
    cv2.imwrite(str(path), np.full((20, 24, 3), 98, np.uint8))
    with pytest.raises(UserError, match="differs in the baseline's image file"):
        explain(**keys)
