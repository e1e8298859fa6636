"""The table on a terminal."""

import numpy as np
import pytest
from evaluation_rows import row, rows_of

from sgcampp.evaluation.summarise import summarise
from sgcampp.evaluation.table import MARKS, shortened, table
from sgcampp.metrics.catalogue import METRICS
from sgcampp.statistics.verdicts import VERDICTS


def test_by_hand():
    """Constant values, so that every digit is known."""
    rows = rows_of("average_drop", grad_cam=[40, 40], grad_cam_pp=[12.5, 12.5], ref_ones=[0, 0])
    rows = [
        row(r.key, r.method, metrics=r.metrics | ({} if "ref" in r.method else {"sharpness": 1.0}))
        for r in rows
    ]
    lines = table(summarise(rows)).splitlines()
    assert lines[1].split() == ["layer", "method", "drop", "↓", "%", "sharpness"]
    assert [line.split() for line in lines[3:5]] == [
        ["block", "grad_cam_pp", "12.5", "±0.0", "1.00", "±0.00"],
        ["block", "grad_cam", "40.0", "±0.0", "=", "1.00", "±0.00"],
    ]
    assert set(lines[2]) == set(lines[5]) == {"─"}
    assert lines[6].split() == ["block", "ref_ones", "0", "±0", "·"]


def wide():
    rng = np.random.default_rng(0)
    layer = "features.denseblock4.denselayer16.conv2.activation"
    return summarise(
        row(
            f"{i}",
            method,
            layer + str(at),
            across={"nsamples": 50, "stdev": 0.15} if method == "smooth_grad_cam_pp" else None,
            metrics={name: float(rng.normal()) for name in METRICS if not METRICS[name].pool},
        )
        for i in range(5)
        for at in (1, 2)
        for method in ("grad_cam_pp", "smooth_grad_cam_pp", "grad_cam", "ref_random")
    )


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_it_fits(width):
    summary = wide()
    text = table(summary, width)
    assert max(map(len, text.splitlines())) <= width
    assert table(summary, width) == text
    heads = text.count("method")
    assert heads > 1
    assert text.count("ref_random") == 2 * heads + 1  # and in the legend
    assert text.count("…") >= 8 * heads


def test_a_single_column_is_never_left_out():
    text = table(wide(), 20)
    assert text.count("method") == sum(not metric.pool for metric in METRICS.values())


def test_every_verdict_has_a_mark_and_stands_in_the_legend():
    assert set(MARKS) == set(VERDICTS) and len(set(MARKS.values())) == len(VERDICTS)
    text = table(wide())
    legend = text[text.rindex("↑ more") :]
    assert all(mark in legend for mark in MARKS.values())


def test_without_a_comparison_the_legend_has_none():
    text = table(summarise(rows_of("gini", grad_cam=[0.5])))
    assert "0.500" in text and "±" not in text.split("↑ more")[0]
    assert "against" not in text


def test_a_method_that_is_not_above_random_maps_is_marked_without_comparison():
    text = table(summarise(rows_of("gini", grad_cam=[0.5, 0.5], ref_random=[0.5, 0.5])))
    assert "0.500 ±0.000 ○" in text


def test_nothing_measured():
    assert table(summarise([])) == "No map was measured.\n"


@pytest.mark.parametrize(
    ("width", "text"), [(8, "block10a"), (7, "blo…10a"), (6, "blo…0a"), (3, "b…a")]
)
def test_names_lose_their_middle(width, text):
    assert shortened("block10a", width) == text
