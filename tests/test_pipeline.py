"""Runs over directories: resume, shards, locks, faults of images and of the machine."""

import hashlib
import os
import shutil
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf
import tiny
from listener import Listener
from manifests import every_row

from sgcampp import UserError
from sgcampp.config.run_config import RunConfig
from sgcampp.engine.engine import Engine
from sgcampp.errors import RunStopped
from sgcampp.pipeline import run
from sgcampp.run.backlog import Drive
from sgcampp.run.stop import Stop
from sgcampp.storage.local import LocalStore
from sgcampp.tree.lock import is_locked, locked
from sgcampp.tree.manifest import part_names
from sgcampp.tree.rows import FAILED, OK
from sgcampp.tree.run_record import read_run_yaml
from sgcampp.tree.status import read_status
from sgcampp.tree.verify import verify


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    tiny.relu_cnn().model.save(path)
    return path


@pytest.fixture
def pictures(tmp_path):
    """Twelve small pictures in two directories."""
    rng = np.random.default_rng(0)
    for number in range(12):
        path = tmp_path / "pictures" / f"{number % 2}" / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 255, (10, 12, 3), np.uint8))
    return tmp_path / "pictures"


@pytest.fixture
def config(model, pictures, tmp_path):
    return RunConfig(
        model=str(model),
        layer_name="features",
        nsamples=2,
        scale=1 / 255,
        batch_size=6,
        sources=[str(pictures)],
        out=str(tmp_path / "out"),
    )


def digests(out):
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for kind in ("arrays", "heatmaps", "overlays")
        for path in sorted((Path(out) / kind).rglob("*"))
        if path.is_file()
    }


def manifest(out):
    return list(every_row(out))


def go(config, **drive):
    listener = Listener()
    summary = run(config, listener, Drive(**drive))
    return summary, listener


def test_one_run_writes_everything_once(config):
    summary, listener = go(config)
    assert (summary.explained, summary.failed, summary.exit_code) == (12, 0, 0)
    assert listener.total == 12
    rows = manifest(config.out)
    assert [row.key for row in rows] == sorted(row.key for row in rows)
    assert len(digests(config.out)) == 36
    for row in rows:
        saved = np.load(Path(config.out, row.maps[0].files["arrays"]), allow_pickle=False)
        assert (saved.dtype, list(saved.shape)) == (np.float32, row.maps[0].shape)
        assert row.maps[0].layer == "features"
    assert list(verify(Path(config.out))) == []
    status = read_status(Path(config.out))
    assert (status.images, status.done, status.missing, status.running) == (12, 12, 0, False)


def test_the_same_again_does_nothing(config):
    go(config)
    before = digests(config.out), manifest(config.out)
    summary, listener = go(config)
    assert (summary.skipped, summary.explained, listener.skipped) == (12, 0, 12)
    assert (digests(config.out), manifest(config.out)) == before


def test_what_is_missing_or_torn_is_done_again_and_ends_in_the_same_bytes(config):
    go(config)
    whole = digests(config.out)
    out = Path(config.out)
    (out / "arrays/0/04.png.npy").unlink()
    part = out / "manifest/part-00000.jsonl"
    torn = part.read_bytes()
    part.write_bytes(torn[: torn.rindex(b"\n", 0, -1) + 30])
    _, listener = go(config)
    assert sorted(listener.keys) == ["0/04.png", "1/11.png"]
    assert digests(out) == whole


def test_changed_images_are_done_again_and_touched_ones_are_not(config, pictures):
    go(config)
    os.utime(pictures / "0/02.png", (1, 1))
    cv2.imwrite(str(pictures / "1/03.png"), np.zeros((9, 9, 3), np.uint8))
    summary, listener = go(config)
    assert listener.keys == ["1/03.png"]
    assert (summary.skipped, summary.explained) == (11, 1)
    assert list(verify(Path(config.out))) == []
    _, again = go(config)
    assert again.keys == []
    latest = {row.key: row for row in manifest(config.out)}
    assert latest["0/02.png"].mtime_ns == 10**9


def test_failures_are_listed_and_retried_only_on_request(config, pictures):
    (pictures / "0/bad.png").write_bytes(b"no image")
    summary, _ = go(config)
    assert (summary.explained, summary.failed, summary.exit_code) == (12, 1, 1)
    summary, listener = go(config)
    assert (summary.failed_before, listener.keys, summary.exit_code) == (1, [], 1)
    shutil.copy(pictures / "0/02.png", pictures / "0/bad.png")
    summary, listener = go(config, retry_failed=True)
    assert (listener.keys, summary.exit_code) == (["0/bad.png"], 0)
    assert read_status(Path(config.out)).failed.total() == 0


def test_another_run_in_the_same_tree_is_refused_by_key(config, model):
    go(config)
    for change, word in (({"nsamples": 3}, "nsamples: 2 → 3"), ({"colormap": "gray"}, "colormap")):
        with pytest.raises(UserError, match=word):
            go(RunConfig(**{**asdict(config), **change}))
    go(RunConfig(**{**asdict(config), "batch_size": 12}))
    tiny.relu_cnn(seed=9).model.save(str(model.with_name("other.keras")))
    shutil.copy(model, model.with_name("kept.keras"))
    try:
        shutil.copy(model.with_name("other.keras"), model)
        with pytest.raises(UserError, match="weights, architecture or preprocessing"):
            go(config)
    finally:
        shutil.copy(model.with_name("kept.keras"), model)


def test_overwrite_starts_afresh_and_spares_what_is_not_ours(config, pictures, tmp_path):
    go(config)
    Path(config.out, "notes.txt").write_text("mine")
    (pictures / "0/02.png").unlink()
    _, listener = go(RunConfig(**{**asdict(config), "nsamples": 3}), overwrite=True)
    assert len(listener.keys) == 11
    assert Path(config.out, "notes.txt").read_text() == "mine"
    assert len(digests(config.out)) == 33
    other = tmp_path / "mine"
    (other / "arrays").mkdir(parents=True)
    (other / "arrays/precious.npy").touch()
    with pytest.raises(UserError, match="no output tree"):
        go(RunConfig(**{**asdict(config), "out": str(other)}), overwrite=True)
    assert (other / "arrays/precious.npy").exists()


@pytest.mark.parametrize("shards", [2, 5])
def test_shards_make_together_what_one_run_makes(config, tmp_path, shards):
    go(config)
    apart = RunConfig(**{**asdict(config), "out": str(tmp_path / "apart")})
    for i in range(1, shards + 1):
        summary, listener = go(apart, shard=(i, shards))
        assert summary.total == len(listener.keys) == len(range(i - 1, 12, shards))
    assert digests(apart.out) == digests(config.out)
    assert Counter(row.key for row in manifest(apart.out)) == {
        row.key: 1 for row in manifest(config.out)
    }
    assert len(part_names(LocalStore(apart.out))) == shards
    assert go(apart)[1].keys == []


def test_order_and_batch_do_not_shape_the_bytes(config, tmp_path, pictures):
    go(config)
    whole = digests(config.out)
    by_one = RunConfig(**{**asdict(config), "out": str(tmp_path / "single")})
    stop = Stop()
    for _ in range(5):
        stop = Stop()
        listener = Listener(on_finish=lambda row, stop=stop: stop.request())
        run(by_one, listener, Drive(), stop)
    run(by_one, Listener())
    assert digests(by_one.out) == whole


def test_two_processes_in_one_tree_are_refused_unless_both_are_shards(config):
    with (
        locked(LocalStore(config.out), 0),
        pytest.raises(UserError, match="another process is writing"),
    ):
        go(config)
    with locked(LocalStore(config.out), 1):
        assert is_locked(LocalStore(config.out))
        with pytest.raises(UserError, match="another process"):
            go(config)
        with pytest.raises(UserError, match="another process"):
            go(config, shard=(1, 2))
        go(config, shard=(2, 2))
    assert not is_locked(LocalStore(config.out))


def test_leftovers_of_a_killed_run_are_removed(config):
    go(config)
    left = Path(config.out, "arrays/0/.sgcampp-00000-0123456789abcdef.tmp")
    left.write_bytes(b"half")
    go(config)
    assert left.exists()  # nobody was killed: no walk over a million files for nothing
    Path(config.out, "manifest/part-00000.lock").write_bytes(b"running")
    go(config)
    assert not left.exists()


@pytest.mark.parametrize(("limit", "seen"), [(2, 3), ("30%", 20), (0, 1)])
def test_a_run_that_only_fails_is_stopped(config, pictures, limit, seen):
    for number in range(30):
        (pictures / f"a{number:02d}.png").write_bytes(b"no image")
    limited = RunConfig(**{**asdict(config), "max_failures": limit})
    listener = Listener()
    with pytest.raises(RunStopped, match="failures"):
        run(limited, listener)
    failed = sum(row.status == FAILED for row in listener.rows)
    assert failed == seen if not isinstance(limit, str) else len(listener.rows) >= seen
    summary, _ = go(config)
    assert summary.explained + summary.skipped == 12


def test_device_out_of_memory_halves_the_batch_and_goes_on(config, monkeypatch):
    go(config)
    whole = {row.key: row for row in manifest(config.out)}
    original = Engine.__init__
    runs = []

    def init(self, *args, **kwargs):
        original(self, *args, **kwargs)
        step = self._step

        def limited(images, samples, noise, state):
            runs.append(len(images) * len(samples))
            if runs[-1] > 3:
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
            return step(images, samples, noise, state)

        self._step = limited

    monkeypatch.setattr(Engine, "__init__", init)
    small = RunConfig(**{**asdict(config), "out": config.out + "-small"})
    summary, listener = go(small)
    assert summary.explained == 12
    assert len([note for note in listener.notes if "out of memory" in note]) == 1
    assert read_run_yaml(LocalStore(small.out))[1].batch_size == 3
    for row in manifest(small.out):
        a, b = (
            np.load(Path(out, row.maps[0].files["arrays"]))
            for out, row in ((small.out, row), (config.out, whole[row.key]))
        )
        np.testing.assert_allclose(a, b, atol=1e-4 * b.max())
    monkeypatch.setattr(Engine, "__init__", original)
    assert go(small)[1].keys == []


def test_no_memory_for_one_image_stops_the_run(config, monkeypatch):
    def never(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    original = Engine.__init__

    def init(self, *args, **kwargs):
        original(self, *args, **kwargs)
        self._step = never

    monkeypatch.setattr(Engine, "__init__", init)
    with pytest.raises(RunStopped, match="no memory even for one image"):
        go(config)
    assert manifest(config.out) == []


def test_a_request_to_stop_finishes_what_is_in_hand(config, monkeypatch):
    monkeypatch.setattr("sgcampp.run.pace.SECONDS_BETWEEN_WRITES", -1)  # hear of each group at once
    monkeypatch.setattr("sgcampp.run.pace.AHEAD", 1)  # and before the last is explained
    stop = Stop()
    listener = Listener(on_finish=lambda row: stop.request())
    summary = run(config, listener, Drive(), stop)
    assert summary.interrupted
    assert summary.exit_code == 130
    assert 1 <= summary.explained < 12
    assert len(manifest(config.out)) == summary.explained
    assert list(verify(Path(config.out))) == []
    rest, _ = go(config)
    assert (rest.skipped, rest.explained) == (summary.explained, 12 - summary.explained)


def test_an_overdue_stop_leaves_even_the_group_in_hand(config):
    stop = Stop(asked=-1e9)
    summary = run(config, Listener(), Drive(), stop)
    assert (summary.explained, summary.exit_code) == (0, 130)


def test_large_pictures_are_decoded_again_and_must_not_change(config, pictures, monkeypatch):
    go(config)
    whole = digests(config.out)
    monkeypatch.setattr("sgcampp.run.reading.KEPT_BYTES", 10)
    again = RunConfig(**{**asdict(config), "out": config.out + "-again"})
    go(again)
    assert digests(again.out) == whole
    original = Engine.run

    def meanwhile(self, *args):
        shutil.copy(pictures / "1/01.png", pictures / "other")
        (pictures / "other").replace(pictures / "0/00.png")
        return original(self, *args)

    monkeypatch.setattr(Engine, "run", meanwhile)
    _, listener = go(RunConfig(**{**asdict(config), "out": config.out + "-changed"}))
    by_key = {row.key: row for row in listener.rows}
    assert (by_key["0/00.png"].status, by_key["0/00.png"].reason) == (FAILED, "changed")


@pytest.mark.parametrize("where", ["file", "below a file"])
def test_an_output_that_cannot_be_a_directory_is_refused(config, tmp_path, where):
    (tmp_path / "taken").write_text("a file")
    out = tmp_path / "taken" if where == "file" else tmp_path / "taken" / "out"
    with pytest.raises(UserError, match="taken"):
        go(RunConfig(**{**asdict(config), "out": str(out)}))


def test_a_disk_that_refuses_stops_the_run_with_a_valid_tree(config, monkeypatch):
    import errno

    original, written = LocalStore.write, []

    def full(self, name, data):
        written.append(name)
        if len(written) > 14:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(self, name, data)

    monkeypatch.setattr(LocalStore, "write", full)
    with pytest.raises(RunStopped, match="No space left on device"):
        go(config)
    monkeypatch.setattr(LocalStore, "write", original)
    rows = manifest(config.out)
    assert 0 < len(rows) < 12
    missing = [problem for problem in verify(Path(config.out)) if "no row" not in problem.what]
    assert missing == []
    summary, _ = go(config)
    assert (summary.skipped, summary.explained) == (len(rows), 12 - len(rows))
    assert list(verify(Path(config.out))) == []


def test_verify_finds_what_is_wrong(config):
    go(config)
    out = Path(config.out)
    array = out / "arrays/0/00.png.npy"
    array.write_bytes(array.read_bytes()[:-4])
    (out / "heatmaps/0/02.png.png").unlink()
    (out / "overlays/stray.png").touch()
    found = {problem.path: problem.what for problem in verify(out)}
    assert set(found) == {"arrays/0/00.png.npy", "heatmaps/0/02.png.png", "overlays/stray.png"}
    assert "SHA-256" in found["arrays/0/00.png.npy"]
    assert "no row" in found["overlays/stray.png"]


def test_rows_hold_what_a_reader_needs(config):
    filtered = RunConfig(**{**asdict(config), "filters": [3, 1], "target": "top2"})
    go(filtered)
    row = manifest(config.out)[0]
    assert row.status == OK
    assert [record.filters for record in row.maps] == [[3, 1], [3], [1]] * 2
    assert row.maps[0].files["arrays"] == "arrays/0/00.png.top1.npy"
    assert row.maps[5].files["overlays"] == "overlays/0/00.png.top2.k001.png"
    assert row.maps[0].score > row.maps[3].score
    assert 0 <= row.maps[3].probability <= row.maps[0].probability <= 1
    assert 1 <= row.maps[0].ess <= 2


def test_overwrite_spares_foreign_files_and_sources_are_never_inside_the_maps(config, pictures):
    go(config)
    foreign = Path(config.out, "arrays/thesis.txt")
    foreign.write_text("mine")
    go(config, overwrite=True)
    assert foreign.read_text() == "mine"
    assert len(digests(config.out)) == 37
    inside = Path(config.out, "overlays/photos")
    shutil.copytree(pictures, inside)
    with pytest.raises(UserError, match="where the run writes"):
        go(RunConfig(**{**asdict(config), "sources": [str(inside)]}), overwrite=True)
    assert len(list(inside.rglob("*.png"))) == 12


def test_maps_without_a_run_yaml_are_not_adopted(config):
    go(config)
    Path(config.out, "run.yaml").unlink()
    with pytest.raises(UserError, match=r"a manifest but no run\.yaml"):
        go(RunConfig(**{**asdict(config), "method": "grad_cam"}))
