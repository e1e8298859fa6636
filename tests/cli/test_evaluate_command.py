"""`sgcampp evaluate` from the command line: a table, JSON, CSV, a page, and what it refuses."""

import csv
import io
import json

import pytest

from sgcampp.evaluation.presets import DROPS, OBJECTS, PRESETS
from sgcampp.metrics.catalogue import METRICS

METHODS = ("grad_cam", "grad_cam_pp", "smooth_grad_cam_pp")


@pytest.fixture
def explained(sgcampp, out):
    words = ["--method", ",".join(METHODS), "--nsamples", "2", "--target", "top2"]
    assert sgcampp.explain("photos", *words).exit_code == 0
    return out


def test_a_table_a_page_and_words(sgcampp, explained):
    result = sgcampp.run("evaluate", "OUT", "--preset", "quick")
    assert result.exit_code == 0, result.output
    for word in (*METHODS, "ref_ones", "ref_random", "drop ↓", "not shown to be above"):
        assert word in result.stdout
    assert max(map(len, result.stdout.split("\n\n")[0].splitlines())) <= 100
    assert "at most" in result.stderr and "passes" in result.stderr
    assert (explained / "evaluation.html").exists()
    assert (explained / "evaluation/evaluation.yaml").exists()
    again = sgcampp.run("evaluate", "OUT", "--preset", "quick")
    assert again.stdout == result.stdout


def test_json_and_csv(sgcampp, explained, tmp_path):
    file = tmp_path / "table.csv"
    words = ["--metrics", "average_drop,gini", "--json", "--csv", file, "--against", "grad_cam"]
    result = sgcampp.run("evaluate", "OUT", *words)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["against"] == "grad_cam"
    assert [metric["name"] for metric in found["metrics"]] == ["average_drop", "gini"]
    lines = list(csv.DictReader(io.StringIO(file.read_text())))
    assert {line["method"] for line in lines} >= {*METHODS, "ref_ones"}
    ones = [x for x in lines if (x["method"], x["metric"]) == ("ref_ones", "average_drop")]
    assert [float(line["mean"]) for line in ones] == [0.0]


def test_a_dry_run_writes_nothing(sgcampp, explained):
    result = sgcampp.run("evaluate", "OUT", "--dry-run")
    assert result.exit_code == 0
    assert "18 maps of 3 images" in result.stderr
    assert result.stdout == ""
    assert not (explained / "evaluation").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--metrics", "drop"], "unknown metric 'drop'"),
        (["--fill", "white"], "fill is 'white', accepted"),
        (["--steps", "1"], "steps is 1, accepted"),
        (["--boxes", "none.json"], "none.json"),
        (["--classes", "labels.txt"], "give boxes too"),
    ],
)
def test_bad_settings_get_one_sentence(sgcampp, explained, error, words, sentence):
    assert sentence in error(sgcampp.run("evaluate", "OUT", *words))
    assert not (explained / "evaluation").exists()


def test_what_is_no_output_tree_is_refused(sgcampp, error):
    assert "is no output tree" in error(sgcampp.run("evaluate", "photos"))


def test_presets_name_metrics_that_there_are():
    for names in PRESETS.values():
        assert set(names) <= set(METRICS)
        assert len(set(names)) == len(names)
    assert set(DROPS) <= set(PRESETS["quick"]) <= set(PRESETS["standard"]) <= set(PRESETS["full"])
    assert set(OBJECTS) == {
        name for name in METRICS if {"mask", "instances"} & set(METRICS[name].needs)
    }
