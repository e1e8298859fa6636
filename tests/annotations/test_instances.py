"""Objects through a view: kept, cut, cut away, too small, of another class."""

import numpy as np
import pytest

from sgcampp.annotations.instances import Instance, seen
from sgcampp.annotations.shapes import Box

VIEW = (0, 10, 20, 20)


def test_objects_through_a_view():
    """The view is x 10 to 30 at 4 × 4 cells, of which the centres are at 12.5, 17.5, …"""
    objects = [
        Instance("cat", (3,), Box(0, 0, 10, 20)),  # half of it is right of x = 10
        Instance("cat", (3, 4), Box(0, 0, 10, 10)),  # ends where the view begins
        Instance("cat", (3,), Box(1, 11, 1, 1)),  # between the centres
        Instance("dog", (7,), Box(0, 10, 20, 20)),
        Instance("cats", (3,), Box(10, 10, 10, 20), crowd=True),
        Instance("chair", (), Box(0, 10, 20, 20)),
    ]
    found = seen(objects, 3, VIEW, (4, 4))
    assert found.masks.astype(int).tolist() == [
        [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
        [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]],
    ]
    assert found.cut_off.tolist() == [0.5, 0]
    assert found.crowd.tolist() == [False, True]
    assert (found.cut_away, found.too_small, found.others) == (1, 1, 2)


def test_no_object_has_no_mask():
    found = seen([Instance("dog", (7,), Box(0, 0, 9, 9))], 3, VIEW, (5, 6))
    assert found.masks.shape == (0, 5, 6) and found.masks.dtype == np.bool_
    assert found.cut_off.shape == found.crowd.shape == (0,)
    assert (found.cut_away, found.too_small, found.others) == (0, 0, 1)
    assert seen([], 3, VIEW, (5, 6)).others == 0


@pytest.mark.parametrize("classes, expected", [(None, True), ((3,), True), ((), False)])
def test_what_counts_as_a_class(classes, expected):
    assert Instance("cat", classes, Box(0, 0, 1, 1)).counts_as(3) is expected
