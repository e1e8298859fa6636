"""Runs with a tolerance: rows, bytes whatever the order, shards and resumes, and faults."""

import hashlib
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf
import tiny
from listener import Listener
from manifests import every_row

from sgcampp.config.run_config import RunConfig
from sgcampp.engine.engine import Engine
from sgcampp.pipeline import run
from sgcampp.run.backlog import Drive
from sgcampp.run.stop import Stop
from sgcampp.tree.rows import FAILED
from sgcampp.tree.verify import verify

COUNT, MOST, TOLERANCE = 14, 60, 0.03


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Pictures of more and less contrast, and one file that is none."""
    directory = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for number in range(COUNT):
        spread = 20 + 200 * number // COUNT
        picture = 128 + rng.integers(-spread // 2, spread // 2, (10, 12, 3))
        cv2.imwrite(str(directory / f"{number:02d}.png"), picture.clip(0, 255).astype(np.uint8))
    (directory / "05-none.png").write_bytes(b"no image")
    return directory


@pytest.fixture(scope="module")
def config(pictures, tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs")
    tiny.relu_cnn().model.save(directory / "tiny.keras")
    return RunConfig(
        model=str(directory / "tiny.keras"),
        layer_name="features",
        nsamples=MOST,
        tolerance=TOLERANCE,
        scale=1 / 255,
        batch_size=48,
        write=["arrays", "errors"],
        sources=[str(pictures)],
        out=str(directory / "whole"),
    )


def other(config, name, **changes):
    return RunConfig(**{**asdict(config), "out": f"{config.out}-{name}", **changes})


def digests(config):
    return {
        str(path.relative_to(config.out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for kind in ("arrays", "errors")
        for path in sorted(Path(config.out, kind).rglob("*.npy"))
    }


@pytest.fixture(scope="module")
def whole(config):
    """The files of an undisturbed run, and its rows by key."""
    summary = run(config, Listener())
    assert (summary.explained, summary.failed) == (COUNT, 1)
    assert list(verify(Path(config.out))) == []
    return digests(config), {row.key: row for row in every_row(config.out)}


def test_rows_tell_how_many_samples_were_taken_and_whether_they_were_enough(whole):
    files, rows = whole
    assert len(files) == 2 * COUNT
    maps = [row.maps[0] for row in rows.values() if row.maps]
    assert len({of.nsamples for of in maps}) > 1
    for of in maps:
        assert of.tolerance_met == (of.relative_se <= TOLERANCE)
        assert of.tolerance_met or of.nsamples == MOST
        assert of.error_groups == 10
    assert rows["05-none.png"].status == FAILED
    assert all(row.seconds > 0 for row in rows.values() if row.maps)


def test_shards_make_the_same_bytes(config, whole):
    apart = other(config, "shards")
    for i in (2, 1):
        run(apart, Listener(), Drive(shard=(i, 2)))
    assert digests(apart) == whole[0]


def test_a_run_that_is_stopped_again_and_again_makes_the_same_bytes(config, whole, monkeypatch):
    monkeypatch.setattr("sgcampp.run.pace.SECONDS_BETWEEN_WRITES", -1)
    monkeypatch.setattr("sgcampp.run.pace.AHEAD", 1)
    bit_by_bit = other(config, "stopped")
    for _ in range(3):
        stop = Stop()
        run(bit_by_bit, Listener(on_finish=lambda row, stop=stop: stop.request()), Drive(), stop)
    run(bit_by_bit, Listener())
    assert digests(bit_by_bit) == whole[0]
    assert len(list(every_row(bit_by_bit.out))) == COUNT + 1


def test_an_overdue_stop_leaves_what_is_in_hand(config):
    leaving = other(config, "overdue")
    assert run(leaving, Listener(), Drive(), Stop(asked=-1e9)).explained == 0


def test_without_memory_what_is_under_way_starts_afresh(config, whole, monkeypatch):
    original = Engine.__init__

    def init(self, *args, **kwargs):
        original(self, *args, **kwargs)
        step, calls = self._step, []

        def limited(images, samples, noise, state):
            calls.append(1)
            if len(calls) > 3 and len(images) > 1:
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
            return step(images, samples, noise, state)

        self._step = limited

    monkeypatch.setattr(Engine, "__init__", init)
    listener = Listener()
    summary = run(other(config, "small"), listener)
    assert (summary.explained, summary.failed) == (COUNT, 1)
    assert sum("out of memory" in note for note in listener.notes) == 1
    assert sorted(listener.keys) == sorted(whole[1])


def test_what_misses_the_tolerance_is_told(config):
    strict, listener = other(config, "strict", tolerance=1e-6, nsamples=12), Listener()
    run(strict, listener)
    missed = [row for row in every_row(strict.out) if row.maps and not row.maps[0].tolerance_met]
    assert missed and all(row.maps[0].nsamples == 12 for row in missed)
    (note,) = [note for note in listener.notes if "missed the tolerance" in note]
    assert note.startswith(f"{len(missed)} of {COUNT} maps")


def test_each_of_several_settings_takes_its_own_samples(config):
    """Two nsamples are two samplings, each with a bound of its own; an image waits for both."""
    both = other(config, "across", across={"nsamples": [12, 40]})
    run(both, Listener())
    rows = [row for row in every_row(both.out) if row.maps]
    assert len(rows) == COUNT
    taken = {(row.maps[0].nsamples, row.maps[1].nsamples) for row in rows}
    assert all(low == 12 and 12 < high <= 40 for low, high in taken)
    assert len(taken) > 1
