import numpy as np
import pytest

from sgcampp import UserError
from sgcampp.explain.selection import Selection


def test_region_is_the_inclusive_box_between_two_corners():
    chosen = Selection(region=True, subset=[(0, 2), (3, 1)]).neurons(4, 5, "features")
    expected = np.zeros((4, 5), bool)
    expected[0:4, 1:3] = True
    np.testing.assert_array_equal(chosen, expected)


def test_without_region_each_neuron_is_listed():
    chosen = Selection(subset=[(0, 2), (3, 1)]).neurons(4, 5, "features")
    assert sorted(zip(*np.nonzero(chosen), strict=True)) == [(0, 2), (3, 1)]


def test_nothing_chosen_is_everything():
    assert Selection().neurons(4, 5, "features").all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": []}, "filters is"),
        ({"filters": 3}, "filters is 3"),
        ({"filters": [1, 1]}, "twice"),
        ({"filters": [1.0]}, "whole numbers"),
        ({"filters": ["top0"]}, "or top8"),
        ({"filters": "12"}, "filters is '12'"),
        ({"subset": []}, "subset is"),
        ({"subset": [(1, 2, 3)]}, r"\(1, 2, 3\)"),
        ({"subset": [1, 2]}, "subset has 1"),
        ({"subset": ["(0", "10)"]}, r"subset has '\(0'"),
        ({"region": True}, "subset is missing"),
        ({"region": True, "subset": [(0, 1)]}, "two corners"),
    ],
)
def test_malformed_selections_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        Selection(**arguments)


def test_out_of_range_names_the_layers_size():
    with pytest.raises(UserError, match=r"neuron \(4, 0\).*'features' has 4 rows and 5 columns"):
        Selection(subset=[(4, 0)]).neurons(4, 5, "features")
    with pytest.raises(UserError, match=r"filters has 7, but layer 'features' has 7 feature maps"):
        Selection(filters=[7]).check_filters(7, "features")
    with pytest.raises(UserError, match=r"\(-1, 0\)"):
        Selection(subset=[(-1, 0)]).neurons(4, 5, "features")
