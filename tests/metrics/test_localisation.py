"""Hand-worked numbers, Quantus's and TorchRay's rules, and masks that are empty or full."""

import evaluation_oracles as oracles
import numpy as np
import pytest

from scripts.oracles import inputs
from sgcampp.metrics.localisation import (
    energy,
    instance_recall,
    instance_recall_several,
    loc_iou,
    loc_iou_0,
    loc_iou_25,
    loc_iou_50,
    pointing_game,
)
from sgcampp.metrics.metric import Undefined

NAN = float("nan")
MHAT = np.array([[1.0, 0.5, 0.25], [0.2, 0.0, 0.0]])
LEFT = np.array([[True, False, False], [True, False, False]])
NONE, ALL = np.zeros((2, 3), bool), np.ones((2, 3), bool)
IOUS = [loc_iou_0, loc_iou_25, loc_iou_50]


def reason(function, *args):
    with pytest.raises(Undefined) as caught:
        function(*args)
    return caught.value.reason


def spot(shape, row, column):
    M = np.zeros(shape)
    M[row, column] = 1
    return M


def test_pointing_game_by_torchray_s_rule():
    """Nearer than 15 pixels: 14 away is met, 15 is not; (9, 12) is 15 away, (9, 11) is not."""
    mask = spot((40, 40), 0, 0).astype(bool)
    for row, column, met in ((0, 14, 100), (0, 15, 0), (9, 12, 0), (9, 11, 100), (0, 0, 100)):
        assert pointing_game(spot((40, 40), row, column), mask) == met


def test_pointing_game_without_tolerance():
    mask = np.zeros((4, 4), bool)
    mask[1, 2] = True
    assert pointing_game(spot((4, 4), 1, 2), mask, tolerance=0) == 100
    assert pointing_game(spot((4, 4), 1, 1), mask, tolerance=0) == 0
    assert pointing_game(spot((4, 4), 1, 1), mask, tolerance=1.5) == 100


def test_pointing_game_of_empty_and_full_masks():
    for M in (spot((4, 4), 1, 1), np.zeros((4, 4)), np.ones((4, 4))):
        assert pointing_game(M, np.zeros((4, 4), bool)) == 0
        assert pointing_game(M, np.ones((4, 4), bool)) == 100
    assert pointing_game([[5.0]], [[True]]) == 100


def test_the_seed_chooses_among_highest_pixels():
    half = np.zeros((8, 8), bool)
    half[:, 4:] = True
    met = [pointing_game(np.ones((8, 8)), half, tolerance=0, seed=s) for s in range(200)]
    assert 35 < np.mean(met) < 65
    assert met[0] == pointing_game(np.full((8, 8), 3.0), half, tolerance=0, seed=0)


def test_energy_by_hand():
    """(1 + .2)/(1 + .5 + .25 + .2)."""
    assert energy(MHAT, LEFT) == pytest.approx(1.2 / 1.95, abs=1e-12)
    assert energy(MHAT * 7, ALL) == pytest.approx(1, abs=1e-12)
    assert energy(np.ones((2, 3)), LEFT) == pytest.approx(1 / 3, abs=1e-12)
    assert energy([[1.0, -5.0]], [[True, False]]) == 1


def test_loc_iou_by_hand():
    """Above 0: 4 pixels, 2 inside, none missed; ≥ .25: 3, 1 inside, 1 missed; ≥ .5: 2, 1, 1."""
    assert loc_iou_0(MHAT, LEFT) == pytest.approx(2 / 4, abs=1e-12)
    assert loc_iou_25(MHAT, LEFT) == pytest.approx(1 / 4, abs=1e-12)
    assert loc_iou_50(MHAT, LEFT) == pytest.approx(1 / 3, abs=1e-12)
    assert loc_iou(MHAT, ALL, 0.6) == pytest.approx(1 / 6, abs=1e-12)
    assert loc_iou(np.ones((2, 3)), ALL, 0.0) == 1
    assert loc_iou(NONE.astype(float), LEFT, 0.0) == 0


def test_instance_recall_by_hand():
    """Salient at .25 is the upper row: half of each of two columns, nothing of the lower object."""
    objects = np.zeros((3, 2, 3), bool)
    objects[0, :, 0] = objects[1, :, 1:] = objects[2, 1, 1:] = True
    assert instance_recall(MHAT, objects) == pytest.approx(2 / 3, abs=1e-12)
    assert instance_recall(MHAT, objects, delta=0.5) == pytest.approx(1 / 3, abs=1e-12)
    assert instance_recall(MHAT, objects, half=0.51) == 0
    assert instance_recall_several(MHAT, objects) == pytest.approx(2 / 3, abs=1e-12)
    assert instance_recall_several(MHAT, list(objects)) == pytest.approx(2 / 3, abs=1e-12)
    assert instance_recall(MHAT, objects[:1]) == 1


def test_empty_instances_are_left_out():
    assert instance_recall(MHAT, [LEFT, NONE]) == 1
    assert reason(instance_recall_several, MHAT, [LEFT, NONE]) == "one_instance"
    assert reason(instance_recall_several, MHAT, [LEFT]) == "one_instance"
    for function in (instance_recall, instance_recall_several):
        assert reason(function, MHAT, [NONE]) == "no_object"
        assert reason(function, MHAT, []) == "no_object"


@pytest.mark.parametrize("function", [energy, *IOUS])
def test_without_a_value(function):
    assert reason(function, MHAT, NONE) == "no_object"
    assert reason(function, MHAT * NAN, LEFT) == "map_not_finite"
    with pytest.raises(ValueError, match="for a map of"):
        function(MHAT, LEFT.T)


def test_a_map_of_nothing():
    assert reason(energy, np.zeros((2, 3)), LEFT) == "zero_map"
    assert reason(energy, -MHAT - 1, LEFT) == "zero_map"
    assert reason(pointing_game, MHAT * NAN, LEFT) == "map_not_finite"
    assert instance_recall(np.zeros((2, 3)), [LEFT]) == 0


@pytest.mark.parametrize("function", IOUS)
def test_a_map_that_was_not_normalised(function):
    with pytest.raises(ValueError, match="see `normalise`"):
        function(MHAT * 2, LEFT)


def test_as_quantus_finds_them():
    values = oracles.found("quantus")
    for place, (M, mask) in enumerate(zip(inputs.maps(), inputs.masks(), strict=True)):
        assert energy(M, mask) == pytest.approx(values["energy"][place], abs=1e-6)
        met = pointing_game(M, mask, tolerance=0) == 100
        assert met == values["pointing_game"][place]
