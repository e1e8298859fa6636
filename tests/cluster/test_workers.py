"""Runs on workers: the same bytes as one process's, whatever becomes of the workers."""

import hashlib
import os
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import stub_worker
import tiny
import yaml
from listener import Listener
from manifests import every_row

from sgcampp.cluster import worker
from sgcampp.cluster.hands import Hands
from sgcampp.cluster.local import gpus_of_this_machine, local_cluster
from sgcampp.cluster.opening import workers_for
from sgcampp.cluster.units import Unit
from sgcampp.config.run_config import RunConfig
from sgcampp.errors import RunStopped, UserError
from sgcampp.pipeline import run
from sgcampp.run.backlog import Drive, Task
from sgcampp.run.listing import counted
from sgcampp.run.stop import Stop
from sgcampp.tree.rows import FAILED, OK
from sgcampp.tree.run_record import versions

COUNT = 24


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Pictures, one of them broken, and a model."""
    home = tmp_path_factory.mktemp("home")
    rng = np.random.default_rng(0)
    (home / "pictures").mkdir()
    for number in range(COUNT):
        picture = rng.integers(0, 255, (10, 12, 3), np.uint8)
        cv2.imwrite(str(home / "pictures" / f"{number:02d}.png"), picture)
    (home / "pictures" / "broken.png").write_bytes(b"no picture")
    tiny.relu_cnn().model.save(home / "tiny.keras")
    return home


@pytest.fixture(scope="module")
def cluster():
    with local_cluster(2) as client:
        yield client


def config_of(home, out):
    return RunConfig(
        model=str(home / "tiny.keras"),
        layer_name="features",
        nsamples=2,
        scale=1 / 255,
        batch_size=6,
        sources=[str(home / "pictures")],
        out=str(out),
        write=["arrays", "overlays"],
    )


@pytest.fixture(scope="module")
def alone(home):
    """The output tree of one process."""
    config = config_of(home, home / "alone")
    assert go(config, workers=0)[0].explained == COUNT
    return config.out


@pytest.fixture
def config(home, cluster, tmp_path, monkeypatch):
    """Of a run; those with workers have the module's."""
    monkeypatch.setattr("sgcampp.cluster.local.local_cluster", lambda count: nullcontext(cluster))
    return config_of(home, tmp_path / "out")


@pytest.fixture
def stubbed(config, home, monkeypatch):
    """A config whose workers explain nothing."""
    for name in ("prepare", "settle", "explain"):
        monkeypatch.setattr(worker, name, getattr(stub_worker, name))
    return config


def go(config, on_finish=None, stop=None, workers=2, **drive):
    listener = Listener(on_finish=on_finish)
    return run(config, listener, Drive(workers=workers, **drive), stop), listener


def digests(out):
    rows = list(every_row(out))
    assert max(Counter(row.key for row in rows).values()) == 1
    return {row.key: row.maps[0].sha256 for row in rows if row.status == OK}


def test_a_run_that_is_stopped_and_resumed_makes_what_one_process_makes(config, alone):
    stop = Stop()
    summary, _ = go(config, lambda row: stop.request(), stop)
    assert summary.interrupted and summary.exit_code == 130
    assert 0 < summary.explained < COUNT
    rest, _ = go(config)
    assert (rest.skipped, rest.explained) == (summary.explained, COUNT - summary.explained)
    assert (rest.failed + rest.failed_before, rest.exit_code) == (1, 1)
    assert digests(config.out) == digests(alone)
    for row in every_row(config.out):
        for kind, path in row.maps[0].files.items() if row.maps else ():
            data = Path(config.out, path).read_bytes()
            assert hashlib.sha256(data).hexdigest() == row.maps[0].sha256[kind]
    records = [yaml.safe_load(Path(out, "run.yaml").read_text()) for out in (config.out, alone)]
    assert records[0] == {**records[1], "out": config.out}


def test_shards_are_units(config, alone):
    packed = replace(config, layout="tar", shard_size=10)
    assert go(packed)[0].explained == COUNT
    assert digests(packed.out) == digests(alone)
    names = sorted(path.name for path in Path(packed.out, "shards").iterdir())
    assert names == ["00000.tar", "00001.tar", "00002.tar"]


def test_too_many_failures_end_it(config, home):
    pictures = home / "pictures"
    with pytest.raises(RunStopped, match="stopped after 1 failures"):
        go(replace(config, max_failures=0, sources=[str(pictures / "broken.png")]))


def test_workers_must_write_where_the_run_looks(stubbed, monkeypatch):
    monkeypatch.setattr(worker, "explain", stub_worker.explain_elsewhere)
    monkeypatch.setattr("sgcampp.cluster.workers.LOOKS", 1)
    monkeypatch.setattr("sgcampp.cluster.workers.time.sleep", lambda seconds: None)
    with pytest.raises(RunStopped, match=r"worker tls://\S+ wrote panels/a.png, and here is no"):
        go(stubbed)


def test_what_a_worker_finds_wrong_is_one_sentence(config):
    with pytest.raises(UserError, match="the model has no layer 'no_such'"):
        go(replace(config, layer_name="no_such"))
    assert not Path(config.out).exists()


def test_workers_of_other_versions_are_refused_by_name(cluster):
    notes = []
    hands = Hands(cluster, {**versions(), "tensorflow": "9.9"}, notes.append, patient=True)
    ours = versions()["tensorflow"]
    sentence = rf"no worker is fit: tls://\S+: it has tensorflow {ours}, here 9\.9; tls://"
    with pytest.raises(UserError, match=sentence):
        hands.fit()
    assert sorted(notes)[0].startswith("worker tls://127.0.0.1:")


def test_a_worker_with_another_model_is_refused(config):
    listing = counted(config)
    order = worker.Order("a run", listing, os.getcwd())  # noqa: PTH109
    record = worker.settle(order)
    unit = Unit(0, tuple(Task(found) for found in list(listing)[:1]))
    assert isinstance(worker.explain(order, record, unit, None), worker.Done)
    other = worker.explain(order, replace(record, model_fingerprint="1" * 64), unit, None)
    assert other == worker.Unfit(
        "it differs from the run in the model's weights, architecture or preprocessing"
    )
    gone = replace(config, model=str(Path(config.model).with_name("gone.keras")))
    order = worker.Order("another", replace(listing, config=gone), os.getcwd())  # noqa: PTH109
    assert "gone.keras" in worker.explain(order, record, unit, None).reason


def test_what_kills_workers_is_given_up_and_mended_later(stubbed, tmp_path, monkeypatch):
    (tmp_path / "deadly.png").write_bytes(b"")
    config = replace(stubbed, sources=[*stubbed.sources, str(tmp_path / "deadly.png")])
    monkeypatch.setattr(worker, "explain", stub_worker.explain_or_die)
    summary, listener = go(config)
    assert (summary.explained, summary.failed) == (COUNT + 1, 1)
    assert listener.notes[0] == "a note" and summary.closing == "; closing words"
    (lost,) = [row for row in every_row(config.out) if row.status == FAILED]
    assert lost.key.endswith("deadly.png") and lost.reason == "worker_lost"
    # A fourth where the first one took an answer with it that had not been fetched yet.
    assert len([note for note in listener.notes if " died" in note]) in (3, 4)
    monkeypatch.setattr(worker, "explain", stub_worker.explain)
    mended, listener = go(config, retry_failed=True)
    assert mended.exit_code == 0 and lost.key in listener.keys


def test_an_address_where_nobody_answers(config, monkeypatch):
    monkeypatch.setattr("sgcampp.cluster.opening.CONNECTING", 0.2)
    with pytest.raises(UserError, match=r"'tcp://127\.0\.0\.1:9', and no Dask scheduler answers"):
        go(config, workers=0, scheduler="tcp://127.0.0.1:9")
    with pytest.raises(UserError, match="configuration names no certificates"):
        go(config, workers=0, scheduler="tls://127.0.0.1:9")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:9", "unknown address scheme 'http'"),
        ("tcp://127.0.0.1:nine", "nine"),
        ("tcp://127.0.0.1", "port"),
    ],
)
def test_an_address_of_no_scheduler_leaves_no_client_behind(config, monkeypatch, address, said):
    """At its end it would wait for 40 s and print a traceback."""
    monkeypatch.setattr("distributed.Client", None)
    with pytest.raises(UserError, match=f"no Dask scheduler answers there: .*{said}"):
        go(config, workers=0, scheduler=address)


def test_without_dask_a_sentence_names_the_extra(config, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    there = workers_for(counted(config), None, print, Drive(workers=2), Stop())
    with pytest.raises(UserError, match=r"pip install 'sgcampp\[cluster\]'"), there:
        pass


def test_each_worker_has_a_gpu_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-5a,-1")
    assert gpus_of_this_machine() == ["3", "GPU-5a"]
    with pytest.raises(UserError, match="--workers is 3, and this machine has 2 GPUs"):
        local_cluster(3).__enter__()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr("sgcampp.cluster.local.NVIDIA", tmp_path / "none")
    assert gpus_of_this_machine() == []
