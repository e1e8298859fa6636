"""Whole scans: the background made, kept and used again, images that can't be read, labels."""

import json

import cv2
import numpy as np
import pytest
import tiny
from click.testing import CliRunner
from listener import Listener

import cli.main
from sgcampp import UserError
from sgcampp.config.run_config import RunConfig
from sgcampp.pipeline import run
from sgcampp.run.parting import auroc
from sgcampp.storage.local import LocalStore
from sgcampp.tree.index import read_manifest
from sgcampp.tree.verify import verify


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A model, ordinary pictures in `ordinary`, others in `seen`, half of these with a bright
    corner; some files that are no pictures; and who is who."""
    home = tmp_path_factory.mktemp("home")
    tiny.relu_cnn().model.save(home / "tiny.keras")
    rng = np.random.default_rng(0)
    truth = ["image,anomalous"]
    for directory, count in (("ordinary", 40), ("seen", 16)):
        (home / directory).mkdir()
        for i in range(count):
            picture = rng.integers(90, 130, (8, 8, 3), np.uint8)
            odd = directory == "seen" and i % 2
            if odd:
                picture[:3, 5:] = rng.integers(0, 256, (3, 3, 3))
            cv2.imwrite(str(home / directory / f"{i:02d}.png"), picture)
            truth += [f"{i:02d}.png,{odd}"] * (directory == "seen")
    (home / "ordinary" / "broken.png").write_bytes(b"\x89PNG nothing")
    (home / "seen" / "broken.png").write_bytes(b"")
    (home / "truth.csv").write_text("\n".join(truth) + "\n")
    return home


@pytest.fixture
def scan(home, tmp_path):
    """Runs a scan over `seen`: (summary, rows by key, notes, output directory)."""

    def scan(out="out", background="ordinary", settings=None, **keys):
        config = RunConfig(
            **{
                "model": str(home / "tiny.keras"),
                "scale": 1 / 127,
                "mean": [1],
                "method": ["subset_scan"],
                "layer_name": ["features"],
                "scan": {
                    "background": str(home / background),
                    "alpha_max": 0.2,
                    **(settings or {}),
                },
                "sources": [str(home / "seen")],
                "out": str(tmp_path / out),
                **keys,
            }
        )
        listener = Listener()
        summary = run(config, listener)
        rows = {row.key: row for row in read_manifest(LocalStore(tmp_path / out))}
        return summary, rows, listener.notes, tmp_path / out

    return scan


def test_odd_pictures_score_higher_and_show_where(scan, home):
    summary, rows, notes, out = scan()
    assert (summary.explained, summary.failed) == (16, 1)
    assert any("the background: activations of 41 of 41 images" in note for note in notes)
    assert rows["broken.png"].reason == "empty"
    maps = {key: row.maps[0] for key, row in rows.items() if row.maps}
    scores = np.array([maps[f"{i:02d}.png"].scanned["score"] for i in range(16)])
    assert auroc(scores, np.arange(16) % 2 == 1) >= 0.95
    first = maps["01.png"]
    assert first.scanned["p_value"] <= 2 / 41 and 0 < first.scanned["alpha"] <= 0.2
    corners = 0
    for i in range(1, 16, 2):
        saliency = np.load(out / maps[f"{i:02d}.png"].files["arrays"])
        assert saliency.sum() == pytest.approx(scores[i], rel=1e-4)
        corners += saliency[:4, 4:].sum() / saliency.sum()
    assert corners / 8 > 0.5  # of a quarter of the places
    assert list(verify(out)) == []


def test_the_background_is_used_again_and_another_one_is_refused(scan, home):
    _, rows, _, out = scan()
    before = (out / "background.npz").stat().st_mtime_ns
    summary, again, notes, _ = scan()
    assert summary.skipped == 16 and again.keys() == rows.keys()
    assert not any("background" in note for note in notes)
    assert (out / "background.npz").stat().st_mtime_ns == before
    (home / "ordinary" / "new.png").write_bytes((home / "ordinary" / "00.png").read_bytes())
    try:
        with pytest.raises(UserError, match=r"holds another run.*the images of the background"):
            scan()
    finally:
        (home / "ordinary" / "new.png").unlink()
    with pytest.raises(UserError, match="holds another run, which differs in scan"):
        scan(settings={"tail": "both"})


def test_another_runs_background_gives_the_same_scores(scan):
    _, rows, _, out = scan()
    _, again, notes, _ = scan("other", background=out / "background.npz")
    assert not any("the background:" in note for note in notes)
    for key, row in rows.items():
        assert [m.scanned for m in row.maps] == [m.scanned for m in again[key].maps]
    with pytest.raises(UserError, match=r"background\.npz is of another layer: 'features'"):
        scan("pooled", background=out / "background.npz", layer_name=["pooled"])
    with pytest.raises(UserError, match="background has no image that can be read"):
        scan("none", background="seen", glob=["broken.png"])


def test_a_background_too_small_for_anything_to_be_rare_is_refused(scan):
    with pytest.raises(UserError, match=r"has 12 images, so that .* give 19 or more"):
        scan(settings={"images": 12, "alpha_max": 0.05})


def test_fewer_images_are_a_sample(scan):
    _, _, _, out = scan(settings={"images": 12})
    with np.load(out / "background.npz") as file:
        assert file["rows"].shape == (12, 8 * 8 * 5)


def test_the_command(home, tmp_path, monkeypatch):
    monkeypatch.chdir(home)

    def command(*words):
        return CliRunner().invoke(cli.main.main, ["scan", *words], prog_name="sgcampp")

    settled = ["seen", "--model", "tiny.keras", "--scale", "0.008", "-o", str(tmp_path / "out")]
    asked = [*settled, "--background", "ordinary", "--alpha-max", "0.2", "--layer", "features"]
    result = command(*asked, "--truth", "truth.csv")
    assert result.exit_code == 1, result.output  # broken.png
    assert len(result.stdout.splitlines()) == 16
    key, score, p_value, picture = result.stdout.splitlines()[1].split("\t")
    assert key == "01.png" and score.startswith("unusual by ") and p_value.startswith("p 0.")
    assert (tmp_path / "out" / picture).exists()
    assert "AUROC 0.9" in result.stderr or "AUROC 1.0" in result.stderr
    rows = command(*asked[:-2], "--layer", "features", "--retry-failed", "--json").stdout
    assert [json.loads(line)["status"] for line in rows.splitlines()] == ["failed"]
    refused = command(*settled)
    assert refused.exit_code == 2
    assert "give a directory of these" in refused.stderr
    (home / "wrong.csv").write_text("picture,odd\n1,2\n")
    refused = command(*asked, "--truth", "wrong.csv")
    assert refused.exit_code == 2 and "columns image and anomalous" in refused.stderr


def test_auroc_counts_pairs_and_ties_half():
    """Of 2 × 3 pairs: 3 > 1, 3 > 2, 3 = 3, 2 > 1, 2 = 2, 2 < 3: 4 of 6."""
    scores = np.array([3, 2, 1, 2, 3])
    assert auroc(scores, np.array([1, 1, 0, 0, 0], bool)) == pytest.approx(4 / 6)
