"""Mean maps against means by hand: by class, confusion, right and wrong; bounded, in any order."""

import base64

import numpy as np
import pytest
from findings_tree import METHODS, SHAPE, TAKEN, heat_of, write_tree

import sgcampp.report.means as means_module
from sgcampp.report.findings import Findings
from sgcampp.report.truth import Truth
from sgcampp.tree.open_tree import open_tree
from sgcampp.tree.rows import MapRow


def means_of(out, order=1, named="auto"):
    """The facts of the means, by what they are of."""
    tree = open_tree(out)
    with Findings(tree, Truth(tree, named)) as findings:
        findings.learn(tree.rows())
        for row in list(tree.rows())[::order]:
            for one in row.maps:
                findings.means.add(row, one, tree.array(one))
        return {(m["method"], m["kind"], m["words"]): m for m in findings.facts()["means"]}


def pixels(mean):
    return np.frombuffer(base64.b64decode(mean["heat"]), np.uint8).reshape(mean["shape"])


def by_hand(keys, method):
    heat = [heat_of(key, method) / heat_of(key, method).sum() for key in keys]
    mean = np.mean(heat, 0)
    return np.rint(255 * mean / mean.max())


WRONG = ["cat/4.png", "cat/5.png", "dog/1.png"]


@pytest.mark.parametrize("method", METHODS)
def test_each_is_the_mean_of_its_maps(tmp_path, method):
    means = means_of(write_tree(tmp_path / "out"))
    cats = [key for key, taken in TAKEN.items() if taken == 0]
    expected = {
        ("class", "cat"): cats,
        ("class", "dog"): ["cat/4.png", "cat/5.png", "dog/0.png"],
        ("class", "two words"): ["two_words/0.png"],
        ("confused", "cat taken for dog"): WRONG[:2],
        ("confused", "dog taken for cat"): WRONG[2:],
        ("right", ""): [key for key in TAKEN if key not in WRONG],
        ("wrong", ""): WRONG,
    }
    assert {key[1:] for key in means if key[0] == method} == set(expected)
    for (kind, words), keys in expected.items():
        mean = means[method, kind, words]
        assert mean["count"] == len(keys)
        np.testing.assert_allclose(pixels(mean), by_hand(keys, method), atol=1)


def test_the_order_of_images_does_not_matter(tmp_path):
    out = write_tree(tmp_path / "out")
    assert means_of(out) == means_of(out, order=-1)


def test_without_labels_there_are_classes_alone(tmp_path):
    means = means_of(write_tree(tmp_path / "out"), named="none")
    assert {kind for _, kind, _ in means} == {"class"}


def test_maps_of_other_classes_say_nothing_of_right_and_wrong(tmp_path):
    tree = open_tree(write_tree(tmp_path / "out"))
    row = next(tree.rows())
    row.maps.append(MapRow(method=METHODS[0], layer="late", class_idx=1, class_name="dog"))
    with Findings(tree, Truth(tree)) as findings:
        findings.learn([row, *list(tree.rows())[1:]])
        findings.means.add(row, row.maps[-1], np.ones(SHAPE, np.float32))
        seen = [m for m in findings.facts()["means"] if m["count"]]
    assert [(m["kind"], m["words"], m["count"]) for m in seen] == [("class", "dog", 1)]


def test_maps_of_several_sizes_and_without_heat(tmp_path):
    tree = open_tree(write_tree(tmp_path / "out"))
    first, second, third, *_ = tree.rows()
    with Findings(tree, Truth(tree)) as findings:
        findings.learn(tree.rows())
        findings.means.add(first, first.maps[0], np.ones((2, 2), np.float32))
        findings.means.add(second, second.maps[0], np.kron([[1, 0], [0, 0]], np.ones((3, 2))))
        findings.means.add(third, third.maps[0], np.zeros((2, 2), np.float32))
        (mean,) = (m for m in findings.facts()["means"] if m["count"] and m["kind"] == "class")
    assert (mean["words"], mean["count"]) == ("cat", 2)
    np.testing.assert_array_equal(pixels(mean), [[255, 51], [51, 51]])  # (1/4 + 1) / 2 and 1/8


def test_the_largest_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(means_module, "MOST_OF_A_KIND", 1)
    means = means_of(write_tree(tmp_path / "out"))
    kept = {(kind, words) for _, kind, words in means}
    confused = ("confused", "cat taken for dog")
    assert kept == {("class", "cat"), confused, ("right", ""), ("wrong", "")}
    monkeypatch.setattr(means_module, "MOST", 3)
    assert len(means_of(tmp_path / "out")) == 3
