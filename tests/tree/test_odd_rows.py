"""Rows that somebody edited: one sentence with file and line, never a traceback."""

import json

import pytest

from sgcampp.errors import UserError
from sgcampp.storage.local import LocalStore
from sgcampp.tree.index import ManifestIndex, read_manifest
from sgcampp.tree.rows import MapRow, Row, check_line, from_line

ROW = {"key": "a.jpg", "status": "ok", "finished": 1.7e9}
ODD = [None, True, 1, -1, 1.5, "text", "", [], ["x"], [[1]], {}, {"x": 1}, {"x": None}]
WRONG_IN_ROW = {
    "key": [None, 1, ["a"]],
    "status": [None, "fine", 1, ["ok"], {}],
    "sha256": [1, ["0"], {}],
    "bytes": ["9", 1.5, True, -1, 2**63, 10**400, [9]],
    "mtime_ns": ["9", 1.5, False, 2**63, -(2**63) - 1],
    "reason": [1, []],
    "error": [1, []],
    "note": [1, {}],
    "view": ["x", [1, 2, 3], [1, 2, 3, "4"], [1, 2, 3, None], {}],
    "files": [None, [], "a", {"panels": 1}, {"panels": None}, {"panels": ["a"]}],
    "sha256_files": [None, [], {"panels": 1}],
    "seconds": ["1", -0.1, True, 1e999, 10**400, [1]],
    "finished": [None, "now", -1, True, 1e999, 10**400, 1e15],
    "maps": [None, {}, "x", [1], [None], [[]]],
}
WRONG_IN_MAP = {
    "files": [None, [], {"arrays": 1}, {"arrays": None}],
    "sha256": [None, "0", {"arrays": 1}],
    "method": [1, ["grad_cam"]],
    "layer": [1, ["l"]],
    "shape": [7, [7], [7, 7, 7], [7.5, 7], ["7", "7"], [True, 7], [None, 7]],
    "signed": [0, "no"],
    "affine_head": [0, "no"],
    "nsamples": ["5", 5.0, True],
    "across": [[], "nsamples=5"],
    "class_idx": ["1", 1.0, True],
    "class_name": [1, ["dog"]],
    "against_idx": ["1", 1.5],
    "against_name": [1],
    "score": ["1", True, [1]],
    "probability": ["1", False],
    "filters": [3, ["3"], [3.0], [None]],
    "weights": [0.5, ["0.5"], [None]],
    "scanned": [0.5, [0.5], "0.5"],
    "log_scale": ["1"],
    "ess": ["1"],
    "relative_se": ["0.1", [0.1]],
    "error_groups": [1.5, "10", True],
    "no_error": [1, []],
    "tolerance_met": [1, "yes"],
    "guarded": ["1", 1.5],
    "completeness": ["1"],
    "perturbations": ["5", 5.0, True],
    "r2": ["1"],
    "reason": [1],
}
PATHS = ["", "/etc/passwd", "..", "../a", "arrays/../../a", "a/..", "a\0b", "\ud800.npy"]


def line(values):
    return json.dumps(values).replace("Infinity", "1e999").encode() + b"\n"


def each(wrong):
    return [(name, value) for name, values in wrong.items() for value in values]


def refused(name, values):
    with pytest.raises(ValueError, match=f"^{name} (is|holds) "):
        from_line(line(values))


@pytest.mark.parametrize(("name", "value"), each(WRONG_IN_ROW))
def test_a_field_of_a_row_has_its_type(name, value):
    refused(name, {**ROW, name: value})


@pytest.mark.parametrize(("name", "value"), each(WRONG_IN_MAP))
def test_a_field_of_a_map_has_its_type(name, value):
    refused(name, {**ROW, "maps": [{"method": "grad_cam"}, {name: value}]})


def test_every_field_is_tried():
    assert WRONG_IN_ROW.keys() == Row.__dataclass_fields__.keys()
    assert WRONG_IN_MAP.keys() == MapRow.__dataclass_fields__.keys()


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_of_the_tree(path):
    for values in (
        {**ROW, "files": {"panels": path}},
        {**ROW, "maps": [{"files": {"arrays": path}}]},
    ):
        with pytest.raises(ValueError, match=r"below the output tree|surrogates not allowed"):
            check_line(line(values))


@pytest.mark.parametrize("path", ["a..b/..c/d...npy", "arrays/café.npy", "arrays/\udce9.npy", "…"])
def test_odd_paths_below_the_tree_pass(path):
    assert from_line(line({**ROW, "files": {"panels": path}})).files == {"panels": path}


@pytest.mark.parametrize("name", WRONG_IN_ROW)
def test_odd_values_give_a_row_or_a_sentence(tmp_path, name):
    """Nothing but UserError leaves the manifest, whatever stands in a field."""
    for number, value in enumerate(ODD):
        directory = tmp_path / str(number)
        (directory / "manifest").mkdir(parents=True)
        (directory / "manifest/part-00000.jsonl").write_bytes(line({**ROW, name: value}))
        try:
            rows = list(read_manifest(LocalStore(directory)))
        except UserError as error:
            assert "part-00000.jsonl, line 1 is not a manifest row" in str(error)
        else:
            assert [getattr(row, name) for row in rows] == [value]


def test_a_field_that_the_index_does_not_need_is_found_out_when_it_is_read(tmp_path):
    lines = [ROW, {**ROW, "key": "b.jpg", "maps": [{"files": {}, "score": "high"}]}]
    (tmp_path / "manifest").mkdir()
    part = tmp_path / "manifest/part-00004.jsonl"
    part.write_bytes(b"".join(map(line, lines)))
    with ManifestIndex(LocalStore(tmp_path)) as index:
        assert index.row("a.jpg") == Row(**ROW)
        with pytest.raises(UserError, match=r"part-00004.jsonl, line 2 .*score is 'high'"):
            index.row("b.jpg")
        with pytest.raises(UserError, match="line 2 "):
            list(index.rows())


def test_what_a_row_lacks_is_filled_in():
    values = check_line(b'{"key": "a", "status": "ok", "maps": [{}]}\n')
    assert (values["finished"], values["files"]) == (0.0, {})
    assert values["maps"] == [{"files": {}}]
