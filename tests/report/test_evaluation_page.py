"""The page of an evaluation: its numbers are the summary's, all as text, and nothing acts."""

import json
import re
import tracemalloc
from dataclasses import replace

import pytest
from evaluation_example import (
    AGAINST,
    CURVES,
    HOSTILE,
    LAYERS,
    METRICS,
    SHARES,
    VERDICTS,
    rows_of,
    summary_of,
    tree_of,
)
from report_page import Page
from tables import Tables

from sgcampp.errors import UserError
from sgcampp.evaluation.rows import EvaluationRow, Series
from sgcampp.report.evaluation_page import write_evaluation_page
from sgcampp.report.evaluation_views import Shares
from sgcampp.report.html import shown, words
from sgcampp.report.numbers import interval, number

KEYS = [*(f"photos/{n:03d}.jpg" for n in range(29)), f"a {HOSTILE}\udce9.png"]
PARAMETERS = {"seed": 7, "fill": ["black", "blur"], "steps": 20, "deep": {"a": {"b": 1e-4}}}
FIRST, SECOND = LAYERS


def write(out, summary=None, keys=KEYS, pictures=True, path=None, **changes):
    tree = tree_of(out, keys, pictures)
    rows = changes.pop("rows", rows_of(keys))
    parameters = changes.pop("parameters", PARAMETERS)
    return write_evaluation_page(tree, out, summary or summary_of(), rows, parameters, path)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write(tmp_path_factory.mktemp("evaluated") / "out")


@pytest.fixture(scope="module")
def page(path):
    return Page(path)


@pytest.fixture(scope="module")
def tables(path):
    return Tables(path)


def data_of(page):
    return json.loads(page.scripts["data"])


def test_the_name_the_parameters_and_the_sentences_stand_on_top(path, page):
    assert path.name == "evaluation.html"
    before = page.text.index("All metrics")
    for said in (
        *("out", "images 1,000", "model embedded", f"baseline {AGAINST}", "seed 7", "steps 20"),
        *("metrics average_drop, insertion", "fill black, blur", "deep a: b: 0.0001"),
        *summary_of().sentences,
    ):
        assert page.text.index(said) < before


def test_the_table_has_the_summarys_numbers(tables):
    table = tables.table("overview")
    found = [(r, v) for r, v in zip(table.rows, table.values, strict=True) if v]
    summary = summary_of()
    assert len(found) == len(summary.series)
    assert table.rows[0][3:] == ["average_drop ↓ (%)", "insertion ↑", "deletion ↓", "sharpness"]
    for (row, values), one in zip(found, summary.series, strict=True):
        assert row[0].startswith(f"{one.series.label} {one.series.layer}")
        assert row[1] == "1,000"
        assert row[2].startswith("2,000")
        cells = [one.cells[facts.name] for facts in METRICS]
        assert [float(value) for value in values] == [cell.mean.estimate for cell in cells]
        for text, cell in zip(row[3:], cells, strict=True):
            assert text.startswith(interval(cell.mean))
            if cell.against:
                assert cell.against.verdict in text


def test_references_stand_apart_below_the_methods(tables):
    first = [row[0] for row in tables.table("overview").rows]
    place = first.index("Reference maps")
    assert all(name.startswith("ref_") for name in first[place + 1 :])
    assert not any(name.startswith("ref_") for name in first[:place])


def test_every_verdict_has_its_word(page):
    assert all(verdict in page.text for verdict in VERDICTS)


def test_every_picture_has_a_table_with_its_numbers(tables):
    assert tables.alone == []
    drawn = [figure for figure in tables.figures if figure.pictures]
    assert len(drawn) == 3 + len(CURVES) * len(LAYERS)
    for figure in drawn:
        (svg,), (table,) = figure.pictures, figure.tables
        assert svg["role"] == "img"
        assert "table" in svg["aria-label"]
        assert len(table.rows) > 2


def test_the_tables_of_differences_have_all_of_each_comparison(tables):
    for figure, facts in zip(tables.figures, METRICS, strict=False):
        (table,) = figure.tables
        for row, one in zip(table.rows[1:], summary_of().series, strict=True):
            cell = one.cells[facts.name]
            assert row[1].startswith(interval(cell.mean))
            if not cell.against:
                continue
            found = cell.against.comparison
            assert row[3] == interval(found.difference)
            assert cell.against.verdict in row[4]
            counts = [str(found.wins), str(found.ties), str(found.losses)]
            assert row[7:12] == [found.test or "–", *counts, number(found.smallest)]
    sharpness = tables.figures[3].tables[0]
    assert all("7 flat map" in row[-1] for row in sharpness.rows[1:])
    assert tables.figures[3].pictures == []


def test_the_tables_of_curves_have_every_point(tables):
    curves = tables.figures[len(METRICS) :]
    assert len(curves) == len(CURVES) * len(LAYERS)
    (table,) = curves[0].tables
    having = [one for one in summary_of().series if one.series.layer == FIRST]
    assert table.rows[0][1:] == [one.series.label for one in having]
    for i, row in enumerate(table.rows[1:]):
        assert row[0] == f"{100 * SHARES[i]:.4g} %"
        assert row[1:] == [interval(one.curves["insertion_curve"][i]) for one in having]


def test_agreement_and_what_is_left_out(tables, page):
    spearman = tables.table("spearman")
    assert spearman.rows[1][1:] == ["+1.00", "−0.41", "+0.30", "–"]
    assert "class not explained 12" in page.text
    assert "out of memory 2" in page.text
    empty = replace(summary_of(), left_out={}, failed={})
    assert empty.images == 1000


def test_lists_of_images_have_their_pictures(page):
    data = data_of(page)
    assert data["pictures"] == ""
    pair = data["pairs"].index(["smooth_grad_cam_pp nsamples=16 std_dev=0.15", AGAINST, FIRST])
    assert [name for name, _, _ in data["metrics"]] == ["average_drop", "insertion", "deletion"]
    better, worse = data["lists"][pair][0]
    assert (len(better), len(worse)) == (10, 10)
    key, panel = data["images"][better[0][0]]
    assert (key, panel) == (KEYS[-1], "panels/029.png")
    assert better[0][1:] == ["crane", 36, 50, "overlays/029.2.png", "overlays/029.1.png"]
    assert data["images"][worse[0][0]][0] == KEYS[0]
    assert data["lists"][pair][2] == [[], []]


def test_links_lead_to_the_pictures_from_elsewhere(tmp_path):
    path = tmp_path / "a b" / "page.html"
    assert write(tmp_path / "out put", path=path) == path
    assert data_of(Page(path))["pictures"] == "../out%20put/"


@pytest.mark.parametrize("keys", [KEYS, []])
def test_it_does_without_pictures_and_without_rows(tmp_path, keys):
    page = Page(write(tmp_path / "out", keys=keys, pictures=False))
    entries = [e for m in data_of(page)["lists"] for both in m for side in both for e in side]
    assert bool(entries) == bool(keys)
    assert all(entry[4:] == [None, None] for entry in entries)


def test_images_that_the_manifest_lacks_are_listed(tmp_path):
    tree = tree_of(tmp_path / "out", [])
    path = write_evaluation_page(tree, tmp_path / "out", summary_of(), rows_of(KEYS), {})
    assert ["photos/000.jpg", None] in data_of(Page(path))["images"]


def test_without_a_baseline_there_are_no_differences(tmp_path):
    summary = summary_of(against=None)
    path = write(tmp_path / "out", summary)
    tables, page = Tables(path), Page(path)
    assert len([f for f in tables.figures if f.pictures]) == len(CURVES) * len(LAYERS)
    assert "baseline none" in page.text
    assert "no method to compare the others with" in page.text
    assert "Nothing was compared" in page.text
    assert "not above ref_random" in page.text
    assert not [a for tag, a in page.tags if tag == "select"]


def test_without_curves_there_is_no_section_for_them(tmp_path):
    page = Page(write(tmp_path / "out", summary_of(curves=())))
    assert not [a for _, a in page.tags if a.get("id") == "curves-title"]


def test_an_empty_evaluation(tmp_path):
    nothing = replace(
        summary_of(), metrics=[], series=[], spearman=[], sentences=[], left_out={}, failed={}
    )
    page = Page(write(tmp_path / "out", nothing))
    assert "Nothing could be said" in page.text
    assert "No map was left out and none failed" in page.text


def test_only_references_are_drawn_where_there_is_no_method_but_the_baseline(tmp_path):
    tables = Tables(write(tmp_path / "out", summary_of(methods=(AGAINST,))))
    assert {"ref_ones", "ref_edges"} <= set(tables.figures[0].words)
    assert AGAINST not in tables.figures[0].words


def test_hostile_names_act_as_nothing(tmp_path):
    summary = summary_of(methods=("grad_cam", AGAINST, HOSTILE), layers=(HOSTILE, "b"))
    metrics = [replace(facts, name=f"{facts.name}{HOSTILE}") for facts in METRICS]
    series = [
        replace(
            one,
            cells={f"{name}{HOSTILE}": cell for name, cell in one.cells.items()},
            curves={f"{name}{HOSTILE}": curve for name, curve in one.curves.items()},
        )
        for one in summary.series
    ]
    said = {"sentences": [HOSTILE], "left_out": {HOSTILE: 1}, "failed": {HOSTILE: 1}}
    page = Page(
        write(
            tmp_path / "out",
            replace(summary, metrics=metrics, series=series, **said),
            parameters={HOSTILE: HOSTILE, "odd": "\udce9\x00"},
        )
    )
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert set(page.scripts) == {"data", "code"}
    assert page.source.count("</script>") == 2
    assert "<" not in page.scripts["data"]
    assert page.scripts["data"].isascii()
    assert not {"\u202e", "\x00"} & set(page.source)
    assert "odd \\xe9\\u{0}" in page.text
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]


def test_nothing_is_fetched(page):
    assert [a for _, a in page.tags if {"src", "href", "srcset", "action"} & set(a)] == []
    assert [a for _, a in page.tags if "style" in a] == []
    assert not re.search(r"https?://|url\(|@import|fetch\(|XMLHttpRequest", page.source)
    assert "default-src 'none'" in page.source


def test_it_is_the_same_twice(path, tmp_path):
    again = write(path.parent, path=tmp_path / "again.html")
    first, second = (Page(one).source for one in (path, again))
    relative = json.dumps(data_of(Page(again))["pictures"])
    assert second.replace(f'"pictures":{relative}', '"pictures":""') == first


def test_it_takes_the_place_of_nothing_of_the_run(tmp_path):
    for name in ("run.yaml", "manifest/page.html", "evaluation/part-00000.jsonl"):
        with pytest.raises(UserError, match="belongs to the run"):
            write(tmp_path / "out", path=tmp_path / "out" / name)


def test_shares_are_those_of_the_rows():
    shares = Shares()
    assert shares.of("insertion", 3) == [0.0, 0.5, 1.0]
    shares.add(EvaluationRow("a", "m", "l", curves={"shares": [0.0, 0.1, 1.0]}))
    shares.add(EvaluationRow("b", "m", "l", curves={"road_shares": [0.1, 0.9]}))
    assert shares.of("insertion_curve", 3) == [0.0, 0.1, 1.0]
    assert shares.of("road_lerf_curve", 2) == [0.1, 0.9]


def test_settings_of_all_kinds_have_words():
    assert words({"a": [1, {"b": None}], "c": "d"}) == "a: 1, b: None; c: d"
    assert shown("a\u200bb\udcff") == "a\\u{200b}b\\xff"
    assert Series("m", "l", '{"n": 2}', (1,)).label == "m n=2 filters=1"


@pytest.mark.end_to_end
def test_the_page_of_ten_thousand_images_is_small(tmp_path):
    keys = [f"directory/image-{n:05d}.jpg" for n in range(10_000)]
    tree = tree_of(tmp_path / "out", keys, pictures=False)
    tracemalloc.start()
    path = write_evaluation_page(tree, tmp_path / "out", summary_of(), rows_of(keys), {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6
    assert path.stat().st_size < 10e6
