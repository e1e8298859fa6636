"""The same photographs from every source into every store and layout: the same maps to the bit."""

import json
import shutil
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny
from archives import parquet, tar
from click.testing import CliRunner
from listener import Listener
from manifests import every_row

import cli.main
from sgcampp.config.run_config import RunConfig
from sgcampp.errors import RunStopped, UserError
from sgcampp.images.decode import read_image
from sgcampp.pipeline import run
from sgcampp.report.inlined import Inlined
from sgcampp.report.page import write_report
from sgcampp.run import prepared
from sgcampp.run.backlog import Drive
from sgcampp.run.packing import Packer
from sgcampp.run.stop import Stop
from sgcampp.storage.location import locate, store_at
from sgcampp.storage.store import walk
from sgcampp.tree.open_tree import open_tree
from sgcampp.tree.rows import FAILED, OK
from sgcampp.tree.status import read_status
from sgcampp.tree.verify import verify

COUNT = 60
SECRET = "hunter2"


@pytest.fixture(scope="module")
def home(tmp_path_factory, photographs):
    """The photographs as files, tar, Parquet and lists; a model."""
    home = tmp_path_factory.mktemp("home")
    names = [f"{n % 4}/{n:02d}.png" for n in range(COUNT)]
    images = list(photographs.values())
    for n, name in enumerate(names):
        path = home / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        crop = images[n % 4][n : n + 40, 2 * n : 2 * n + 50, ::-1]
        cv2.imwrite(str(path), np.ascontiguousarray(crop))
    data = {name: (home / "photos" / name).read_bytes() for name in sorted(names)}
    for shard in range(3):
        tar(home / f"photos-{shard}.tar", *list(data.items())[20 * shard : 20 * shard + 20])
    cells = [{"bytes": of, "path": name} for name, of in data.items()]
    parquet(home / "photos.parquet", cells, [n % 4 for n in range(COUNT)], rows=7)
    (home / "photos.txt").write_text("".join(f"photos/{name}\n" for name in data))
    rows = "".join(f"photos/{name},{n % 4}\n" for n, name in enumerate(data))
    (home / "photos.csv").write_text(f"image,class\n{rows}")
    tiny.relu_cnn().model.save(home / "tiny.keras")
    return home


@pytest.fixture
def config(home, tmp_path):
    return RunConfig(
        model=str(home / "tiny.keras"),
        layer_name="features",
        nsamples=2,
        scale=1 / 255,
        batch_size=6,
        sources=[str(home / "photos")],
        out=str(tmp_path / "out"),
        write=["arrays", "overlays"],
        shard_size=25,
    )


@pytest.fixture(scope="module")
def expected(home, tmp_path_factory):
    """By the last part of its key, the digests of each image's array and overlay."""
    out = tmp_path_factory.mktemp("expected") / "out"
    config = RunConfig(
        model=str(home / "tiny.keras"), layer_name="features", nsamples=2, scale=1 / 255,
        batch_size=6, sources=[str(home / "photos")], out=str(out), write=["arrays", "overlays"],
    )  # fmt: skip
    assert go(config)[0].explained == COUNT
    return digests(out)


def go(config, stop=None, **drive):
    listener = Listener()
    return run(config, listener, Drive(**drive), stop), listener


def digests(out):
    rows = [row for row in every_row(out) if row.status == OK]
    assert max(Counter(row.key for row in rows).values()) == 1
    return {row.key.rpartition("/")[2]: row.maps[0].sha256 for row in rows}


def shards_of(out):
    return sorted(path.name for path in Path(out, "shards").iterdir())


def holds(out, expected):
    """The tree at `out` is whole, and has each image once with the expected bytes."""
    assert digests(out) == expected
    assert list(verify(out)) == []
    status = read_status(out)
    assert (status.done, status.missing, status.running) == (COUNT, 0, False)
    left = [name for name in walk(store_at(out), "") if name.endswith(".tmp") or "@0" in name]
    assert left == []


@pytest.mark.parametrize("layout", ["files", "tar"])
@pytest.mark.parametrize(
    "sources", [["photos-{0..2}.tar"], ["photos.parquet"], ["photos.txt"], ["photos.csv"]]
)
def test_archives_and_lists_give_what_files_give(config, home, expected, sources, layout):
    named = [str(home / source) for source in sources]
    here = replace(config, sources=named, layout=layout)
    summary, _ = go(here)
    assert (summary.explained, summary.exit_code) == (COUNT, 0)
    holds(here.out, expected)
    summary, _ = go(here)
    assert (summary.skipped, summary.explained) == (COUNT, 0)
    tree = open_tree(here.out)
    for row in list(tree.rows())[::13]:
        assert read_image(tree.original(row)).sha256 == row.sha256
        assert tree.array(row.maps[0]).shape == (8, 8)


@pytest.mark.end_to_end
@pytest.mark.parametrize("layout", ["files", "tar"])
def test_any_mixture_of_here_and_there_gives_the_same(config, home, expected, bucket, layout):
    for path in sorted((home / "photos").rglob("*.png")):
        locate(f"s3://{bucket}/{path.relative_to(home)}").write(path.read_bytes())
    locate(f"s3://{bucket}/tiny.keras").write((home / "tiny.keras").read_bytes())
    there = f"s3://{bucket}"
    mixtures = [
        (f"{there}/photos", config.out),
        (config.sources[0], f"{there}/out"),
        (f"{there}/photos", f"{there}/photos/out"),
    ]
    # Shards are read from wherever files are: it is where they are written that differs.
    for sources, out in mixtures if layout == "files" else mixtures[-1:]:
        here = replace(
            config, sources=[sources], out=out, layout=layout, model=f"{there}/tiny.keras"
        )
        assert go(here)[0].explained == COUNT
        holds(out, expected)
        assert go(here)[0].skipped == COUNT


@pytest.mark.end_to_end
def test_a_tar_source_elsewhere_is_read_where_it_lies(config, home, expected, bucket):
    for number in range(3):
        data = (home / f"photos-{number}.tar").read_bytes()
        locate(f"s3://{bucket}/t/photos-{number}.tar").write(data)
    data = (home / "photos.parquet").read_bytes()
    locate(f"s3://{bucket}/t/photos.parquet").write(data)
    for number, source in enumerate(("photos-{0..2}.tar", "photos.parquet")):
        out = f"{config.out}{number}"
        go(replace(config, sources=[f"s3://{bucket}/t/{source}"], out=out))
        holds(out, expected)
        row = next(open_tree(out).rows())
        assert read_image(open_tree(out).original(row)).sha256 == row.sha256


def test_labels_of_the_source_are_the_targets(config, home):
    for source in ("photos.csv", "photos.parquet"):
        out = f"{config.out}-{source}"
        go(replace(config, sources=[str(home / source)], out=out, target="label"))
        rows = list(every_row(out))
        assert [row.maps[0].class_idx for row in rows] == [n % 4 for n in range(COUNT)]
    go(replace(config, sources=[str(home / "photos.txt")], target="label"))
    assert {row.reason for row in every_row(config.out)} == {"no_target"}


def test_shards_are_as_webdataset_reads_them(config, expected):
    import webdataset

    go(replace(config, layout="tar"))
    out = Path(config.out)
    assert shards_of(out) == ["00000.tar", "00001.tar", "00002.tar"]
    assert not (out / "arrays").exists()
    samples = list(
        webdataset.WebDataset(str(out / "shards/{00000..00002}.tar"), shardshuffle=False).decode()
    )
    assert len(samples) == COUNT
    for sample in samples:
        row = sample["json"]
        assert sample["__key__"] == row["key"].replace(".", "%2E")
        assert sample["arrays.npy"].dtype == np.float32
        assert row["maps"][0]["files"]["arrays"].endswith(f"{sample['__key__']}.arrays.npy")
    counts = Counter(row.maps[0].files["arrays"].split("/")[1] for row in every_row(out))
    assert sorted(counts.values()) == [10, 25, 25]


def test_a_shard_appears_whole_or_not_at_all(config, expected, monkeypatch):
    here = replace(config, layout="tar", shard_size=7)
    ended = []
    end = Packer._new_shard

    def die(self):
        if len(ended) == 3:
            raise KeyboardInterrupt
        ended.append(1)
        return end(self)

    monkeypatch.setattr(Packer, "_new_shard", die)
    with pytest.raises(KeyboardInterrupt):
        go(here)
    monkeypatch.setattr(Packer, "_new_shard", end)
    tree = open_tree(here.out)
    assert len(list(tree.rows())) in (7, 14, 21)  # those of the last may not be recorded
    assert not list(Path(here.out).rglob("*.tmp"))
    go(here)
    holds(here.out, expected)


def test_a_whole_shard_whose_rows_were_lost_is_taken_up(config, expected):
    here = replace(config, layout="tar")
    go(here)
    part = Path(here.out, "manifest/part-00000.jsonl")
    lines = part.read_bytes().splitlines(keepends=True)
    for kept, explained in ((50, 0), (25, 10)):
        shards = sorted(Path(here.out, "shards").iterdir())
        if kept == 25:
            shards[-1].unlink()
        part.write_bytes(b"".join(lines[:kept]))
        summary, _ = go(here)
        assert summary.explained == explained
        holds(here.out, expected)
        lines = part.read_bytes().splitlines(keepends=True)


def test_a_stopped_run_keeps_what_it_has_in_a_shard(config, expected, monkeypatch):
    monkeypatch.setattr("sgcampp.run.pace.AHEAD", 1)
    here, stop = replace(config, layout="tar"), Stop()
    listener = Listener(on_finish=lambda row: stop.request())
    summary = run(here, listener, Drive(), stop)
    assert summary.interrupted and summary.explained
    assert list(verify(here.out)) == []
    go(here)
    holds(here.out, expected)


def test_verify_finds_what_is_wrong_in_shards(config):
    here = replace(config, layout="tar")
    go(here)
    shard = Path(here.out, "shards/00001.tar")
    data = bytearray(shard.read_bytes())
    at = data.index(b"\x93NUMPY")
    data[at + 200] ^= 255
    shard.write_bytes(data)
    Path(here.out, "shards/00000.tar").unlink()
    tar(Path(here.out, "shards/stray.tar"), ("x.npy", b"1"))
    found = list(verify(here.out))
    assert sum(problem.what.startswith("can't be read") for problem in found) == 50
    others = [(p.path, p.what) for p in found if not p.what.startswith("can't be read")]
    assert [what for _, what in others] == [
        "differs from its recorded SHA-256",
        "belongs to no row of the manifest",
    ]
    summary, _ = go(here)
    assert summary.explained == 25


def test_shards_of_processes_have_names_of_their_own_and_overwrite_removes_them(config, expected):
    here = replace(config, layout="tar", shard_size=8)
    for number in (1, 2):
        go(here, shard=(number, 2))
    names = shards_of(here.out)
    assert names[:1] + names[-1:] == ["00001-00000.tar", "00002-00003.tar"]
    holds(here.out, expected)
    with pytest.raises(UserError, match="layout: 'tar' → 'files'"):
        go(replace(here, layout="files"))
    go(replace(here, layout="files"), overwrite=True)
    holds(here.out, expected)
    assert not Path(here.out, "shards").exists()


@pytest.mark.end_to_end
@pytest.mark.parametrize("layout", ["files", "tar"])
def test_faults_on_the_way_lose_nothing_and_double_nothing(
    config, home, expected, bucket, s3_faults, layout
):
    """One request in eight is answered with 500 or 503, cut, dropped or late."""
    for path in sorted((home / "photos").rglob("*.png")):
        locate(f"s3://{bucket}/photos/{path.relative_to(home / 'photos')}").write(path.read_bytes())
    s3_faults.at_random(0.12)
    here = replace(
        config, sources=[f"s3://{bucket}/photos"], out=f"s3://{bucket}/out", layout=layout
    )
    tries = 0
    while (summary := attempt(here)) is None or summary.done < COUNT or summary.failed:
        tries += 1
        assert tries < 10
    s3_faults.clear()
    go(here, retry_failed=True)
    holds(here.out, expected)


def attempt(config):
    try:
        return go(config, retry_failed=True)[0]
    except RunStopped:
        return None


def test_what_stays_unreadable_is_a_row_and_mended_by_a_retry(config, home, bucket, s3_faults):
    for path in sorted((home / "photos" / "0").glob("*.png")):
        locate(f"s3://{bucket}/photos/{path.name}").write(path.read_bytes())
    s3_faults.plan = lambda method, path: 503 if "/04.png" in path else None
    here = replace(config, sources=[f"s3://{bucket}/photos"])
    summary, listener = go(here)
    assert (summary.explained, summary.failed) == (14, 1)
    (bad,) = [row for row in listener.rows if row.status == FAILED]
    assert (bad.key, bad.reason) == ("04.png", "unreachable")
    s3_faults.clear()
    assert go(here)[0].failed_before == 1
    assert go(here, retry_failed=True)[0].explained == 1


def test_no_secret_is_ever_written(config, home, capfd):
    for path in sorted((home / "photos" / "0").glob("*.png"))[:3]:
        locate(f"memory://vault/{path.name}").write(path.read_bytes())
    urls = [f"memory://vault/{n:02d}.png?token={SECRET}#x" for n in (0, 4)]
    Path(config.out).mkdir()
    lines = "".join(f"https://me:{SECRET}@127.0.0.1:1/{n}.png?sig={SECRET}\n" for n in range(2))
    listed = Path(config.out, "list.txt")
    listed.write_text(lines + "".join(f"{url}\n" for url in urls))
    here = replace(config, sources=[str(listed)])
    summary, listener = go(here)
    assert summary.failed >= 2
    assert not [note for note in listener.notes if SECRET in note]
    listed.unlink()
    for path in Path(config.out).rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path
    with pytest.raises((UserError, RunStopped)) as info:
        go(replace(config, out=f"https://me:{SECRET}@127.0.0.1:1/out"))
    assert SECRET not in str(info.value) + "".join(capfd.readouterr())


def test_requests_let_the_device_go_first_where_there_are_any(config, home, monkeypatch):
    asked = []
    monkeypatch.setattr(prepared, "let_requests_step_back", lambda: asked.append(True))
    go(config)
    assert not asked
    go(replace(config, out="memory://step-back/out"))
    assert asked


def test_the_report_has_the_pictures_that_no_page_can_link_to(config, home):
    for number, layout in enumerate(("files", "tar")):
        here = replace(config, layout=layout, out=f"memory://reports{number}/out")
        go(here)
        for page, linked in ((None, layout == "files"), (Path(config.out + ".html"), False)):
            report = write_report(here.out, page)
            assert report.notes == []
            text = locate(report.path).read().data.decode()
            assert text.count("data:image/png;base64,") == (0 if linked else COUNT)
    inlined = Inlined(open_tree(here.out), wanted=True, budget=10)
    assert inlined.urls(["x.png", None]) == {} and inlined.left_out == 1


def test_the_commands_take_urls(config, home, monkeypatch):
    """explain, status, verify, report, evaluate and table, of a tree elsewhere."""
    settings = {**asdict(config), "nsamples": 0, "out": "memory://all/out"}
    locate("memory://all/run.yaml").write(json.dumps(settings).encode())
    locate("memory://all/labels.txt").write(b"a\nb\nc\nd\n")
    locate("memory://all/classes.csv").write(b"image,class\n00.png,b\n04.png,3\n")
    (home / "two").mkdir(exist_ok=True)
    for name in ("00.png", "04.png"):
        shutil.copy(home / "photos/0" / name, home / "two" / name)
    model = (home / "tiny.keras").read_bytes()
    locate("memory://all/tiny.keras").write(model)
    words = ["--config", "memory://all/run.yaml", "--labels", "memory://all/labels.txt"]
    words += ["--target", "memory://all/classes.csv", "--model", "memory://all/tiny.keras"]
    assert sgcampp("explain", home / "two", *words).exit_code == 0
    rows = list(open_tree("memory://all/out").rows())
    assert [row.maps[0].class_name for row in rows] == ["b", "d"]
    assert "2 of 2 images done" in sgcampp("status", "memory://all/out").stdout
    assert sgcampp("verify", "memory://all/out").exit_code == 0
    result = sgcampp("evaluate", "memory://all/out", "--preset", "quick", "--steps", "2")
    assert result.exit_code == 0, result.output
    assert "memory://" in sgcampp("report", "memory://all/out").stdout
    for name in ("report.html", "evaluation.html"):
        assert locate(f"memory://all/out/{name}").read().data.startswith(b"<!DOCTYPE html>")
    assert sgcampp("table", "memory://all/out", "-o", "memory://all/t.csv").exit_code == 0
    lines = locate("memory://all/t.csv").read().data.splitlines()
    assert len(lines) == 3 and b",entropy" in lines[0]
    for command in ("status", "verify", "report", "table", "evaluate"):
        result = sgcampp(command, "memory://all/nothing")
        assert result.exit_code == 2
        assert "memory://all/nothing is no output tree" in result.stderr


def sgcampp(*words):
    return CliRunner().invoke(cli.main.main, list(map(str, words)))
