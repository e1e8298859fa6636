"""`sgcampp verify` finds every damage, and takes none for another."""

import os

import cv2
import numpy as np
import pytest
from PIL import PngImagePlugin
from several_run import write_tree

from sgcampp.storage.local import LocalStore
from sgcampp.tree.index import read_manifest
from sgcampp.tree.manifest import manifest_writer
from sgcampp.tree.rows import OK, MapRow, Row
from sgcampp.tree.verify import verify

NPY = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }%s\n"


@pytest.fixture
def out(tmp_path):
    return write_tree(tmp_path)


def found(out):
    return {problem.path: problem.what for problem in verify(out)}


def replace_row(out, **maps):
    """Makes the manifest one row of one map."""
    (out / "manifest" / "part-00000.jsonl").unlink()
    with manifest_writer(LocalStore(out), "manifest/part-00000.jsonl") as manifest:
        manifest.append([Row("a.png", OK, maps=[MapRow(**maps)])])


def damage(out, path, data):
    """The problem with a file of that content whose digest nobody recorded."""
    replace_row(out, files={path.partition("/")[0]: path}, shape=[2, 3])
    (out / path).write_bytes(data)
    return found(out).get(path)


def test_a_whole_tree_has_no_problem(out):
    assert found(out) == {}


def test_files_about_the_whole_image_are_looked_at(out):
    (out / "panels/a.png.png").unlink()
    (out / "panels/b.png.png").write_bytes(b"")
    (out / "panels/stray.png").touch()
    assert found(out) == {
        "panels/a.png.png": "can't be read: No such file or directory",
        "panels/b.png.png": "differs from its recorded SHA-256",
        "panels/stray.png": "belongs to no row of the manifest",
    }


def test_each_map_has_a_shape_of_its_own(out):
    row = next(row for row in read_manifest(LocalStore(out)) if row.key == "a.png")
    early, late = (next(m for m in row.maps if m.layer == layer) for layer in ("early", "late"))
    (out / early.files["arrays"]).write_bytes((out / late.files["arrays"]).read_bytes())
    replace_row(out, files=early.files, shape=early.shape)
    assert found(out)[early.files["arrays"]] == "is float32 [3, 4], not [6, 8]"


def test_whole_arrays_pass(out):
    np.save(out / "arrays/x.npy", np.ones((2, 3), np.float32))
    assert damage(out, "arrays/x.npy", (out / "arrays/x.npy").read_bytes()) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 a zip",
        b"\x93NUMPY",
        NPY % (b"2, 3", b""),
        NPY % (b"2, 3", b"") + bytes(23),
        NPY % (b"2, 3", b"") + bytes(25),
        NPY % (b"999999999, 999999999", b"") + bytes(24),
        NPY % (b"9" * 30 + b", 3", b""),
        NPY % (b"-2, -3", b"") + bytes(24),
        NPY % (b"6,", b"") + bytes(24),
        NPY % (b"3, 2", b"") + bytes(24),
        NPY % (b"[" * 5000, b""),
        NPY % (b"2, 3", b"") + np.full(6, -1, "<f4").tobytes(),
        NPY % (b"2, 3", b"") + np.full(6, np.nan, "<f4").tobytes(),
        NPY % (b"2, 3", b"") + np.full(6, np.inf, "<f4").tobytes(),
        NPY.replace(b"<f4", b"<f8") % (b"2, 3", b"") + bytes(48),
        NPY.replace(b"<f4", b"|O") % (b"2, 3", b"") + bytes(48),
        b"\x93NUMPY\x09\x00",
    ],
)
def test_a_damaged_array_is_a_problem(out, data):
    assert damage(out, "arrays/x.npy", data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        b"\x89PNG\r\n\x1a\n",
        cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1].tobytes()[:-20],
        b"GIF89a",
    ],
)
def test_a_damaged_picture_is_a_problem(out, data, capfd):
    assert "can't be decoded" in damage(out, "overlays/x.png", data)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("error", [MemoryError(), OSError("broken data stream")])
def test_what_the_decoder_cannot_hold_is_a_problem(out, monkeypatch, error):
    whole = cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1].tobytes()

    def refuse(*_):
        raise error

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", refuse)
    assert damage(out, "overlays/x.png", whole)


def test_pipes_and_directories_in_place_of_files_keep_nobody_waiting(out):
    replace_row(out, files={"arrays": "arrays/pipe.npy", "overlays": "overlays"})
    os.mkfifo(out / "arrays/pipe.npy")
    problems = found(out)
    assert (
        problems["arrays/pipe.npy"] == problems["overlays"] == "can't be read: is no regular file"
    )


def test_arrays_may_be_negative_where_their_row_says_that_they_are_signed(out):
    for signed, problem in ((True, None), (False, "has values that are not finite, or negative")):
        replace_row(out, files={"arrays": "arrays/a.npy"}, shape=[1, 2], signed=signed)
        np.save(out / "arrays/a.npy", np.array([[-1, 1]], np.float32))
        assert found(out).get("arrays/a.npy") == problem
