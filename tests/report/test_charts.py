"""Charts are well-formed, in the right places, and their text is escaped."""

import re
import xml.etree.ElementTree as ET

import pytest

from sgcampp.report.charts import EDGE, WIDTH, Curve, Difference, curves, forest
from sgcampp.report.shapes import cut
from sgcampp.statistics.intervals import Interval

HOSTILE = "<script>alert(1)</script>\u202e\x07&\"'"


def parsed(svg):
    return ET.fromstring(str(svg))


def words(tree):
    return [element.text for element in tree.iter("text")]


def points(element):
    return [
        tuple(map(float, pair.split()))
        for pair in re.split("[ML]", element.get("d").rstrip("Z"))[1:]
    ]


def difference(estimate, verdict="better", layer="block", label="a", half=0.5):
    low, high = (None, None) if half is None else (estimate - half, estimate + half)
    return Difference(layer, label, Interval(estimate, low, high, 9), verdict)


def test_a_forest_has_its_intervals_in_proportion():
    tree = parsed(forest([difference(-1.0), difference(2.0, "worse")], "less", "%", "title"))
    assert (tree.get("role"), tree.get("aria-label")) == ("img", "title")
    zero = points(tree.find("path[@class='zero']"))[0][0]
    groups = [g for g in tree.iter("g") if g.get("class").startswith("difference")]
    spans = [points(group.find("path[@class='']")) for group in groups]
    unit = spans[0][1][0] - spans[0][0][0]  # an interval is 1 wide
    assert spans[0][0][0] == pytest.approx(zero - 1.5 * unit, abs=0.3)
    assert spans[1][1][0] == pytest.approx(zero + 2.5 * unit, abs=0.3)
    assert all(EDGE <= x <= WIDTH - EDGE for span in spans for x, _ in span)


@pytest.mark.parametrize(
    ("better", "sides"), [("more", ["← worse", "better →"]), ("less", ["← better", "worse →"])]
)
def test_a_forest_names_the_better_side(better, sides):
    said = words(parsed(forest([difference(1.0)], better, "%", "title")))
    assert [said[-3], said[-1]] == sides
    assert said[-2] == "points"


def test_verdicts_are_told_by_words_and_shapes():
    verdicts = ("better", "worse", "no difference shown", "identical", "not above ref_random")
    tree = parsed(forest([difference(0.0, word) for word in verdicts], "more", "", "title"))
    said = " ".join(filter(None, words(tree)))
    assert all(word in said for word in verdicts)
    marks = [[(x, y) for x, y in points(m)] for m in tree.iter("path") if m.get("class") == "mark"]
    steps = {tuple((round(x - m[0][0], 1), round(y - m[0][1], 1)) for x, y in m) for m in marks}
    assert len(steps) == 5


def test_layers_have_headings_once():
    lines = [difference(0, layer="one"), difference(1, layer="one"), difference(1, layer="two")]
    said = words(parsed(forest(lines, "more", "", "title")))
    assert (said.count("one"), said.count("two")) == (1, 1)


def test_missing_intervals_are_fine():
    none = Difference(
        "block", "a", Interval(None, None, None, 0, "no values"), "no difference shown"
    )
    said = words(parsed(forest([none, difference(0.0, half=None)], "more", "", "title")))
    assert "○ no values" in said
    holes = [Interval(0.5, None, None, 1, "one image"), Interval(None, None, None, 0, "no values")]
    tree = parsed(curves([Curve("a", "c0", holes)], [0.0, 1.0], "axis", "title"))
    assert not [p for p in tree.iter("path") if "band" in p.get("class")]


def test_curves_lie_where_their_values_are():
    flat = [Interval(v, v - 0.1, v + 0.1, 9) for v in (0.2, 0.2)]
    high = [Interval(v, v - 0.1, v + 0.1, 9) for v in (0.2, 0.8)]
    tree = parsed(curves([Curve("a", "c0", flat), Curve("b", "c1", high)], [0, 1], "axis", "title"))
    lines = {}
    for group in tree.iter("g"):
        lines.setdefault(group.get("class"), points(group.find("path[@class='']")))
    (x0, y0), (x1, y1) = lines["curve c0"]
    assert (y0, x1 - x0) == (y1, pytest.approx(WIDTH - EDGE - 38))
    grid = [points(p)[0][1] for p in tree.iter("path") if p.get("class") == "grid"]
    per_unit = (grid[0] - grid[1]) / 0.2
    assert lines["curve c1"][1][1] == pytest.approx(grid[0] - 0.8 * per_unit, abs=0.2)
    band = next(points(p) for p in tree.iter("path") if p.get("class") == "band c1")
    assert band[0][1] == pytest.approx(grid[0] - 0.3 * per_unit, abs=0.2)
    assert {"a", "b", "axis", "mean probability"} <= set(words(tree))


def test_names_are_text_and_nothing_else():
    lines = [difference(1.0, layer=HOSTILE, label=HOSTILE)]
    for svg in (
        forest(lines, "more", HOSTILE, HOSTILE),
        curves([Curve(HOSTILE, "c0", [Interval(0.5, 0.4, 0.6, 9)] * 2)], [0, 1], HOSTILE, HOSTILE),
    ):
        assert "<script" not in svg
        assert not {"\u202e", "\x07"} & set(svg)
        assert parsed(svg).get("aria-label").startswith("<script>alert(1)</script>\\u{202e}\\u{7}&")


def test_long_names_lose_their_middle():
    assert cut("a" * 30 + "b" * 30, 11) == "aaaaa…bbbbb"
    assert cut("short", 11) == "short"
