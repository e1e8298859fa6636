"""`sgcampp strategies` as a user meets it."""

import json
import sys

import numpy as np
import pytest
from strategy_tree import write_tree


@pytest.fixture
def tree(tmp_path):
    heat = np.random.default_rng(0).uniform(0, 0.05, (45, 5, 5))
    heat[:15, 4, 4] = heat[15:40, 2, 2] = heat[40:, 0, 0] = 1
    return write_tree(tmp_path / "tree", heat, [1] * 40 + [2] * 5, ["dog"] * 40 + ["cat"] * 5)


def test_it_tells_strategies_and_writes_both_files(sgcampp, tree):
    result = sgcampp.run("strategies", tree)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "dog, grad_cam at late: 2 strategies in 40 images"
    assert "25 images" in lines[1]
    assert "in the bottom right corner" in lines[2]
    assert "1 classes with fewer than 20 images (5 images in all) were left out" in result.stderr
    assert f"the page is {tree / 'strategies.html'}" in result.stderr
    (told,) = map(json.loads, (tree / "strategies.jsonl").read_text().splitlines())
    assert [one["images"] for one in told["strategies"]] == [25, 15]


def test_json_is_what_the_file_has(sgcampp, tree):
    result = sgcampp.run("strategies", tree, "--json", "--at-least", "5")
    assert result.stdout == (tree / "strategies.jsonl").read_text()
    assert [json.loads(line)["class_name"] for line in result.stdout.splitlines()] == ["cat", "dog"]


def test_an_unknown_class_is_one_sentence(sgcampp, tree, error):
    said = error(sgcampp.run("strategies", tree, "--class", "ibex"))
    assert "no maps of the class 'ibex'" in said
    assert not (tree / "strategies.jsonl").exists()


def test_without_the_extra_it_says_what_to_install(sgcampp, tree, error, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    assert "pip install 'sgcampp[strategies]'" in error(sgcampp.run("strategies", tree))


def test_no_output_tree(sgcampp, tmp_path, error):
    assert "is no output tree" in error(sgcampp.run("strategies", tmp_path))
