import json
import os

import numpy as np
import pytest
from manifests import every_row, write_rows

from sgcampp.errors import UserError
from sgcampp.images.faults import Reason
from sgcampp.storage.local import LocalStore
from sgcampp.tree.index import ManifestIndex, Standing, read_manifest
from sgcampp.tree.manifest import manifest_writer, part_names
from sgcampp.tree.paths import manifest_part
from sgcampp.tree.rows import FAILED, OK, MapRow, Row, from_line, to_line


def row(key="a.jpg", status=OK, **values) -> Row:
    return Row(key=key, status=status, **values)


def full_row() -> Row:
    record = MapRow(
        files={"arrays": "arrays/a.jpg.npy"},
        sha256={"arrays": "0" * 64},
        class_idx=281,
        class_name="tabby",
        score=12.5,
        probability=0.9,
        method="smooth_grad_cam_pp",
        layer="block1/conv",
        shape=[7, 7],
        affine_head=False,
        nsamples=5,
        across={"nsamples": 5, "subset": [[0, 1]], "score": "logit"},
        against_idx=3,
        against_name="dog",
        filters=[10, 32],
        log_scale=-3.25,
        ess=4.5,
        guarded=7,
        completeness=0.01,
        reason=None,
    )
    return row(
        sha256="1" * 64,
        bytes=9,
        mtime_ns=1,
        view=[0.0, 1.5, 7, 7],
        seconds=0.5,
        files={"panels": "panels/a.jpg.png"},
        sha256_files={"panels": "2" * 64},
        finished=1.7e9,
        maps=[record, record],
    )


def part_of(out, part=0):
    """The path of a part, its directory made."""
    path = out / manifest_part(part)
    path.parent.mkdir(exist_ok=True)
    return path


def test_a_row_survives_the_line():
    assert from_line(to_line(full_row())) == full_row()


@pytest.mark.parametrize(
    "key", ["a\nb.jpg", "\"'.jpg", "café 猫.jpg", os.fsdecode(b"caf\xe9.jpg"), "\u2028"]
)
def test_odd_keys_stay_on_one_ascii_line(key):
    line = to_line(row(key))
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert from_line(line).key == key


def test_rows_are_strict_json_whatever_the_numbers():
    record = MapRow(score=np.float32("nan"), ess=float("inf"), class_idx=np.int64(3))
    line = to_line(
        row(status=FAILED, reason=Reason.CORRUPT, seconds=np.float64(1.5), maps=[record])
    )
    values = json.loads(line, parse_constant=pytest.fail)
    assert values["reason"] == "corrupt"
    assert values["seconds"] == 1.5
    assert (values["maps"][0]["score"], values["maps"][0]["ess"]) == (None, None)
    assert values["maps"][0]["class_idx"] == 3


def test_fields_of_newer_versions_are_left_aside():
    values = json.loads(to_line(full_row()))
    values["maps"][0]["new"] = values["new"] = 1
    assert from_line(json.dumps(values).encode()) == full_row()


def test_append_and_read_again(tmp_path):
    write_rows(tmp_path, row("a.jpg"), row("b.jpg", FAILED))
    write_rows(tmp_path)
    write_rows(tmp_path, row("c.jpg"))
    assert [r.key for r in every_row(tmp_path)] == ["a.jpg", "b.jpg", "c.jpg"]


@pytest.mark.parametrize(
    "torn", [b"{", b'{"key":"b.jpg"', to_line(row("b.jpg"))[:-1], b"\0" * 200_000]
)
def test_a_torn_last_line_is_left_out_and_healed(tmp_path, torn):
    path = part_of(tmp_path)
    whole = to_line(row("a.jpg"))
    path.write_bytes(whole + torn)
    assert [r.key for r in every_row(tmp_path)] == ["a.jpg"]
    write_rows(tmp_path, row("c.jpg"))
    assert path.read_bytes() == whole + to_line(row("c.jpg"))


def test_a_part_of_nothing_but_a_torn_line_is_emptied(tmp_path):
    path = part_of(tmp_path)
    path.write_bytes(b"{" * 200_000)
    write_rows(tmp_path)
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"",
        b"[]",
        b'{"status":"ok"}',
        b'{"key":"a","status":"fine"}',
        b"\xff",
        b"\0\0",
        b'{"key":"a","status":"ok","maps":[1]}',
        b'{"key":"a","status":"ok","finished":"now"}',
        b'{"key":"a","status":"ok","score":NaN}',
        b"[" * 99999,
    ],
)
def test_a_corrupt_line_is_never_passed_over(tmp_path, line):
    path = part_of(tmp_path, 3)
    path.write_bytes(to_line(row("a.jpg")) + line + b"\n" + to_line(row("b.jpg")))
    rows = every_row(tmp_path)
    assert next(rows).key == "a.jpg"
    with pytest.raises(UserError, match=r"part-00003\.jsonl, line 2 "):
        next(rows)
    with pytest.raises(UserError, match="line 2 "):
        ManifestIndex(LocalStore(tmp_path))


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt()])
def test_a_refused_append_leaves_nothing_behind(tmp_path, monkeypatch, error):
    def refuse(_):
        raise error

    with manifest_writer(LocalStore(tmp_path), manifest_part(0)) as writer:
        writer.append([row("a.jpg")])
        with monkeypatch.context() as patch, pytest.raises(type(error)):
            patch.setattr(os, "fsync", refuse)
            writer.append([row("b.jpg")])
        writer.append([row("c.jpg")])
    assert [r.key for r in every_row(tmp_path)] == ["a.jpg", "c.jpg"]


def test_the_latest_row_of_a_key_holds_over_all_parts(tmp_path):
    write_rows(tmp_path, row("a", OK, finished=5), row("b", FAILED, finished=1), part=0)
    write_rows(tmp_path, row("a", FAILED, finished=2), row("b", OK, finished=3), part=1)
    write_rows(tmp_path, row("c", FAILED), row("c", OK), row("d", FAILED), part=2)
    part_of(tmp_path, 3).touch()
    (tmp_path / "manifest/notes.txt").write_text("not a part")
    rows = {r.key: r.status for r in read_manifest(LocalStore(tmp_path))}
    assert rows == {"a": OK, "b": OK, "c": OK, "d": FAILED}
    assert [name[14:19] for name in part_names(LocalStore(tmp_path))] == [
        "00000",
        "00001",
        "00002",
        "00003",
    ]


def test_the_index_answers_for_keys(tmp_path):
    odd = os.fsdecode(b"caf\xe9.jpg")
    write_rows(tmp_path, full_row(), row("b.jpg", FAILED), row(odd), row("\ud800"), part=0)
    with ManifestIndex(LocalStore(tmp_path)) as index:
        assert len(index) == 4
        assert index.row("a.jpg") == full_row()
        for key in ("a.jpg", odd, "\ud800"):
            assert index.standing(key)[0] is Standing.OK
        assert "b.jpg" in index
        assert index.standing("b.jpg")[0] is Standing.FAILED
        assert "x.jpg" not in index
        assert index.standing("x.jpg") == (Standing.NONE, -1, -1)
        assert index.row("x.jpg") is None


def test_no_manifest_is_an_empty_one(tmp_path):
    assert list(read_manifest(LocalStore(tmp_path / "none"))) == []
