"""Boxes and areas against brute force and scikit-learn; thresholds chosen in each resample."""

import evaluation_oracles as oracles
import numpy as np
import pytest

from scripts.oracles import inputs
from sgcampp.metrics.arrays import normalise
from sgcampp.metrics.catalogue import METRICS
from sgcampp.metrics.metric import Undefined
from sgcampp.metrics.pooled import (
    average_precision,
    best_threshold_accuracy,
    box_ious,
    boxes_of,
    max_box_acc,
    overlap,
    pxap,
)


def block(shape, top, left, bottom, right):
    pixels = np.zeros(shape, bool)
    pixels[top:bottom, left:right] = True
    return pixels


def test_boxes_by_hand():
    """Diagonal neighbours are one part; a ring's hole has no box."""
    drawing = ["##...", "#..#.", "....#", "##...", "##..."]
    pixels = np.array([[sign == "#" for sign in line] for line in drawing])
    assert boxes_of(pixels).tolist() == [[0, 0, 2, 2], [1, 3, 3, 5], [3, 0, 5, 2]]
    ring = block((5, 5), 0, 0, 5, 5) & ~block((5, 5), 2, 2, 3, 3)
    assert boxes_of(ring).tolist() == [[0, 0, 5, 5]]
    assert boxes_of(np.zeros((3, 3), bool)).shape == (0, 4)


def test_overlap_by_hand():
    """2 × 2 and 2 × 4, 1 × 2 shared: 2/(4 + 8 − 2)."""
    first, second = np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 4], [2, 2, 4, 4]])
    np.testing.assert_allclose(overlap(first, second), [[0.2, 0]], atol=1e-12)


def test_the_best_part_counts_at_each_threshold():
    """Up to .4 one part as wide as the picture, 8/32; above, the right block is the object's."""
    M = np.full((4, 8), 0.4)
    M[:, 0] = M[0, 0] = 0.0
    M[0:4, 1:3], M[0:4, 6:8] = 0.7, 1.0
    ious = box_ious(M, [block((4, 8), 0, 6, 4, 8)], thresholds=10)
    np.testing.assert_allclose(ious, [8 / 28] * 5 + [1] * 5, atol=1e-12)


def test_any_object_will_do():
    M = block((6, 6), 0, 0, 2, 2).astype(float)
    objects = [block((6, 6), 4, 4, 6, 6), block((6, 6), 0, 0, 2, 4)]
    np.testing.assert_allclose(box_ious(M, objects, thresholds=4), [0.5] * 4, atol=1e-12)


def by_flood(M, objects, thresholds):
    """The same in plain loops: parts by flood fill, areas by counting pixels."""
    found = []
    for step in range(thresholds):
        left = {(i, j) for i, j in np.ndindex(M.shape) if M[i, j] >= step / thresholds} - {
            (i, j) for i, j in np.ndindex(M.shape) if M[i, j] == 0
        }
        best = 0.0
        while left:
            part, edge = set(), {left.pop()}
            while edge:
                i, j = edge.pop()
                part.add((i, j))
                near = {(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)} & left
                left -= near
                edge |= near
            rows, columns = zip(*part, strict=True)
            box = block(M.shape, min(rows), min(columns), max(rows) + 1, max(columns) + 1)
            for one in objects:
                where = np.argwhere(one)
                truth = block(M.shape, *where.min(0), *(where.max(0) + 1))
                best = max(best, (box & truth).sum() / (box | truth).sum())
        found.append(best)
    return found


def test_box_ious_by_flood_fill():
    rng = np.random.default_rng(0)
    for _ in range(5):
        M = normalise(np.round(rng.random((9, 12)) ** 2, 2))
        objects = [rng.random((9, 12)) > 0.97, block((9, 12), 1, 2, 6, 7)]
        objects = [one for one in objects if one.any()]
        ours = box_ious(M, objects, thresholds=20)
        np.testing.assert_allclose(ours, by_flood(M, objects, 20), atol=1e-12)


def test_max_box_acc_by_hand():
    """IoUs (.6, .4) and (.2, .8): right at .3 ½, 1; at .5 ½, ½; at .7 0, ½: (1 + ½ + ½)/3."""
    levels = np.array([0.3, 0.5, 0.7])[:, None]
    hits = [(np.array(ious) >= levels).astype(float) for ious in ([0.6, 0.4], [0.2, 0.8])]
    assert best_threshold_accuracy(np.mean(hits, 0)) == pytest.approx(200 / 3, abs=1e-9)
    # Each IoU has its own best threshold.
    hits = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert best_threshold_accuracy(hits) == pytest.approx(200 / 3, abs=1e-9)


def test_the_threshold_is_chosen_in_each_resample():
    """The mean evidence of a resample is its counts times the stack."""
    rng = np.random.default_rng(1)
    objects = [block((10, 10), 3, 3, 8, 9)]
    stack = np.array(
        [max_box_acc(normalise(rng.random((10, 10)) + 2 * objects[0]), objects) for _ in range(6)]
    )
    drawn = [0, 0, 3, 5, 5, 5]
    counts = np.bincount(drawn, minlength=6)
    mean = np.tensordot(counts, stack, 1) / counts.sum()
    pool = METRICS.find("max_box_acc").pool
    assert pool(mean) == pytest.approx(pool(stack[drawn].mean(0)), abs=1e-9)
    assert stack.shape == (6, 3, 100)


def test_pxap_by_hand():
    """Falling: on, off, on. Precision 1 at recall ½, then 2/3 at 1: ½ + ½ · 2/3."""
    counts = pxap([[1.0, 0.6, 0.3, 0.0]], [[True, False, True, False]], bins=10)
    assert counts.sum() == 4
    assert average_precision(counts) == pytest.approx(0.5 + 1 / 3, abs=1e-12)
    assert average_precision(counts / 7) == pytest.approx(0.5 + 1 / 3, abs=1e-12)


def test_tied_pixels_are_taken_together():
    """A flat map's area is the object's share; the picture full of object is all right."""
    counts = pxap(np.zeros((2, 4)), [[True, False, False, False], [True, False, False, False]])
    assert average_precision(counts) == pytest.approx(0.25, abs=1e-12)
    assert average_precision(pxap(np.eye(3), np.ones((3, 3), bool))) == pytest.approx(1)
    assert average_precision(pxap([[0.0]], [[True]])) == 1


@pytest.mark.parametrize("name", ["max_box_acc", "pxap"])
def test_many_lots_of_maps_are_pooled_as_each_of_them(name):
    pool = METRICS.find(name).pool
    lots = np.random.default_rng(0).random((4, 5, 3 if name == "max_box_acc" else 2, 7))
    lots[0, 0] = 0
    with np.errstate(invalid="ignore"):
        one_by_one = [[pool(lot) for lot in row] for row in lots]
        np.testing.assert_array_equal(pool(lots), one_by_one)


def test_pxap_as_scikit_learn_has_average_precision():
    maps = [normalise(M) for M in inputs.maps()]
    stack = [pxap(M, mask) for M, mask in zip(maps, inputs.masks(), strict=True)]
    value = average_precision(np.mean(stack, 0))
    assert value == pytest.approx(oracles.found("quantus")["pxap"], abs=1e-6)


def test_without_a_value():
    M, none = np.eye(4), np.zeros((4, 4), bool)
    for function, mask in ((pxap, none), (max_box_acc, [none]), (max_box_acc, [])):
        with pytest.raises(Undefined) as caught:
            function(M, mask)
        assert caught.value.reason == "no_object"
        with pytest.raises(Undefined) as caught:
            function(M * np.nan, mask)
        assert caught.value.reason == "map_not_finite"
        with pytest.raises(ValueError, match="see `normalise`"):
            function(M * 3, mask)


def test_flat_and_full():
    full = np.ones((4, 4), bool)
    assert not max_box_acc(np.zeros((4, 4)), [full]).any()
    assert max_box_acc(np.ones((4, 4)), [full]).all()
    assert max_box_acc([[1.0]], [[[True]]]).all()
