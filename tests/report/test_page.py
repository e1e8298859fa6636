"""The page that `sgcampp report` writes: whole, safe, without network, right about every map."""

import base64
import json
import os
import re
import shutil
from dataclasses import replace
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from click.testing import CliRunner
from odd_run import ODD_NAMES, explain_odd_pictures
from report_page import Page

import cli.main
from sgcampp.errors import UserError
from sgcampp.report.lines import PageLines, script_json
from sgcampp.report.overview import duration, overview
from sgcampp.report.page import write_report
from sgcampp.report.values import concentration, packed
from sgcampp.storage.local import LocalStore
from sgcampp.tree.index import read_manifest
from sgcampp.tree.manifest import manifest_writer
from sgcampp.tree.open_tree import open_tree
from sgcampp.tree.rows import FAILED, OK, MapRow, Row
from sgcampp.tree.verify import verify


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """An output tree over pictures with odd names, three of them broken: top2, two filters."""
    return explain_odd_pictures(tmp_path_factory.mktemp("odd"))


@pytest.fixture(scope="module")
def page(run):
    return Page(write_report(run.out).path)


def test_every_row_stands_on_the_page_as_in_the_manifest(run, page):
    rows = list(read_manifest(LocalStore(run.out)))
    assert len(rows) == len(ODD_NAMES) + 3
    assert [image["row"]["key"] for image in page.images] == [row.key for row in rows]
    for image, row in zip(page.images, rows, strict=True):
        assert image["there"]
        assert Row(**{**image["row"], "maps": [MapRow(**m) for m in image["row"]["maps"]]}) == row


def test_values_are_those_of_the_arrays(run, page):
    maps = [
        pair
        for image in page.images
        for pair in zip(image["row"]["maps"], image["maps"], strict=True)
    ]
    assert len(maps) == len(ODD_NAMES) * 2 * 3
    for record, facts in maps:
        saved = np.load(run.out / record["files"]["arrays"])
        values = np.frombuffer(base64.b64decode(facts["raw"]), "<f4").reshape(facts["shape"])
        assert np.array_equal(values, saved)
        if record["reason"]:
            assert facts["concentration"] is None
            continue
        tenth = sorted(saved.ravel())[-7:]  # of 64
        assert facts["concentration"] == pytest.approx(sum(tenth) / saved.sum(), abs=1e-5)


def test_odd_names_end_no_script(page):
    assert any("</script>" in image["row"]["key"] for image in page.images)
    assert set(page.scripts) == {"run", "lines", "code"}
    assert page.source.count("</script>") == 3
    assert "<" not in page.scripts["lines"] + page.scripts["run"]
    assert page.scripts["lines"].isascii()


def test_nothing_is_fetched(page):
    loading = [(tag, a) for tag, a in page.tags if {"src", "href", "srcset", "action"} & set(a)]
    assert loading == []
    assert not re.search(r"https?://|url\(|@import|fetch\(|XMLHttpRequest", page.source)
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; img-src 'self' file: data:;")


def test_the_files_that_are_linked_exist(run, page):
    directory = run.out / page.facts["pictures"]
    files = [
        path for image in page.images for m in image["row"]["maps"] for path in m["files"].values()
    ]
    assert len(files) == len(ODD_NAMES) * 2 * 3 * 3
    assert all((directory / path).is_file() for path in files)


def test_the_top_of_the_page_counts(page):
    images = len(ODD_NAMES)
    assert f"explained {images} of {images + 3}" in page.text
    assert "failed 3" in page.text
    assert f"maps {images * 2 * 3}" in page.text
    buttons = {a.get("data-status") or a.get("data-class") for t, a in page.tags if t == "button"}
    assert {"failed empty", "failed not_an_image", "failed corrupt"} <= buttons
    assert "layer features" in page.text
    assert "nsamples 2" in page.text
    assert "model_fingerprint" in page.text


def test_pictures_are_found_from_another_directory(run, tmp_path):
    path = tmp_path / "deep" / "a b%" / "page.html"
    facts = Page(write_report(run.out, path).path).facts
    there = path.parent / os.fsdecode(unquote_to_bytes(facts["pictures"]))
    assert there.resolve() == run.out.resolve()
    photographs = path.parent / os.fsdecode(unquote_to_bytes(facts["images"]))
    assert photographs.resolve() == run.pictures.resolve()


def test_the_page_is_the_same_each_time_and_no_part_of_the_tree(run):
    first = write_report(run.out).path.read_bytes()
    assert write_report(run.out).path.read_bytes() == first
    assert list(verify(run.out)) == []
    assert not list(run.out.glob(".sgcampp*"))


def test_moved_changed_and_unknown_images_are_not_linked(run, tmp_path):
    tree = open_tree(run.out)
    row = next(row for row in tree.rows() if row.status == OK)

    def lines(base):
        record = replace(tree.record, base=base and str(base))
        return PageLines(replace(tree, record=record, values={}))

    for base, there in [(run.pictures, True), (tmp_path, False), (None, False)]:
        assert json.loads(lines(base).line(row))["there"] is there
    changed = replace(row, bytes=row.bytes + 1)
    assert not json.loads(lines(run.pictures).line(changed))["there"]


def test_damaged_arrays_are_told_and_stop_nothing(run, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(run.out, out)
    rows = [row for row in read_manifest(LocalStore(out)) if row.status == OK]
    damages = [b"", b"no array", b"\x93NUMPY"]
    for row, damage in zip(rows, damages, strict=False):
        (out / row.maps[0].files["arrays"]).write_bytes(damage)
    (out / rows[3].maps[0].files["arrays"]).unlink()
    np.save(out / rows[4].maps[0].files["arrays"], np.full((8, 8), np.nan, np.float32))
    report = write_report(out)
    assert "5 arrays could not be read" in report.notes[0]
    unread = [
        facts for image in Page(report.path).images for facts in image["maps"] if "unread" in facts
    ]
    assert len(unread) == 5
    assert all("raw" not in facts for facts in unread)


def test_raw_values_stay_below_a_budget(run):
    report = write_report(run.out, budget=2000)
    facts = [facts for image in Page(report.path).images for facts in image["maps"]]
    assert sum(len(f.get("raw", "")) for f in facts) <= 2000
    left_out = [f for f in facts if f.get("left_out")]
    assert f"raw values of {len(left_out)} maps" in report.notes[0]
    assert any(f["concentration"] for f in left_out)


def test_runs_without_arrays_have_no_values(run):
    row = Row("a.png", OK, maps=[MapRow(files={"overlays": "overlays/a.png.png"})])
    assert json.loads(PageLines(open_tree(run.out)).line(row))["maps"] == [{}]


def test_concentration():
    one = np.zeros((10, 10), np.float32)
    assert concentration(one) is None
    one[3, 4] = 5
    assert concentration(one) == 1.0
    assert concentration(np.ones((10, 10), np.float32)) == pytest.approx(0.1)
    assert concentration(np.array([[1, 3]], np.float32)) == 0.75  # a tenth of two is one
    assert concentration(np.full((4, 4), 3e38, np.float32)) == pytest.approx(2 / 16)


def test_large_maps_are_quantised():
    saliency = np.random.default_rng(0).random((40, 50)).astype(np.float32) * 1e-6
    facts = packed(saliency)
    levels = np.frombuffer(base64.b64decode(facts["raw"]), "<u2").reshape(facts["shape"])
    restored = levels * facts["peak"] / 65535
    assert np.abs(restored - saliency).max() <= facts["peak"] / 65535 * 0.51
    assert packed(np.zeros((40, 50), np.float32))["peak"] == 0


def test_script_json_is_ascii_and_closes_nothing():
    name = "</script><!-- \u2028 \udcff 😀"
    text = script_json({"name": name})
    assert text.isascii()
    assert "<" not in text
    assert json.loads(text) == {"name": name}


def test_overview_counts_an_image_once_a_class():
    maps = [MapRow(class_idx=1, class_name="crane", filters=f) for f in (None, [3])]
    other = MapRow(class_idx=2, class_name="crane", reason="dead")
    rows = [
        Row("a", OK, maps=[*maps, other], seconds=1.5, finished=20.0),
        Row("b", OK, maps=maps, seconds=0.5, finished=10.0),
        Row("c", FAILED, reason="empty", finished=15.0),
    ]
    counted = overview(rows)
    assert (counted.maps, counted.flat, counted.seconds) == (5, 1, 2.0)
    assert counted.top_classes() == [("1 crane", "crane", 2), ("2 crane", "crane", 1)]
    assert counted.span == "1970-01-01 00:00 to 1970-01-01 00:00 UTC"
    assert overview([]).span == "no image yet"


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (0.1234, "0.123 s"), (3723, "1:02:03")])
def test_duration(seconds, words):
    assert duration(seconds) == words


def test_an_empty_tree_and_none(run, tmp_path):
    with pytest.raises(UserError, match="no output tree"):
        write_report(tmp_path)
    shutil.copy(run.out / "run.yaml", tmp_path)
    assert Page(write_report(tmp_path).path).images == []


def test_a_damaged_manifest_leaves_the_old_page(run, tmp_path):
    shutil.copy(run.out / "run.yaml", tmp_path)
    with manifest_writer(LocalStore(tmp_path), "manifest/part-00000.jsonl") as manifest:
        manifest.append([Row("a", FAILED, reason="empty")])
    before = write_report(tmp_path).path.read_bytes()
    with (tmp_path / "manifest" / "part-00000.jsonl").open("ab") as part:
        part.write(b"nonsense\n")
    with pytest.raises(UserError, match="line 2"):
        write_report(tmp_path)
    assert (tmp_path / "report.html").read_bytes() == before


def test_command(run, tmp_path):
    def invoke(*arguments):
        return CliRunner().invoke(cli.main.main, ["report", *map(str, arguments)])

    result = invoke(run.out)
    assert (result.exit_code, result.stdout) == (0, f"{run.out / 'report.html'}\n")
    assert result.stderr == ""
    result = invoke(run.out, "-o", tmp_path / "p.html")
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'p.html'}\n")
    result = invoke(run.out, "-o", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is no regular file" in result.stderr
    assert invoke(tmp_path / "nowhere").exit_code == 2


def test_signed_maps_keep_their_sign():
    saliency = np.random.default_rng(0).normal(size=(40, 50)).astype(np.float32)
    facts = packed(saliency)
    levels = np.frombuffer(base64.b64decode(facts["raw"]), "<u2").reshape(facts["shape"])
    step = (facts["peak"] - facts["least"]) / 65535
    assert np.abs(facts["least"] + levels * step - saliency).max() <= step * 0.51
    assert packed(np.abs(saliency))["least"] == 0
    assert concentration(-saliency) == concentration(saliency)
