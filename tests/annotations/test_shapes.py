"""Outlines on grids, drawn by hand."""

import itertools

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from sgcampp.annotations.shapes import Box, Pixels, Polygons, Runs

WHOLE = (0, 0, 4, 6)


def drawn(mask):
    return ["".join(".#"[cell] for cell in row) for row in mask.astype(int)]


def test_a_box_covers_pixels_whose_centres_lie_in_it():
    """x 1 to 4, y 1 to 3 of a 4 × 6 image, at its own resolution."""
    assert drawn(Box(1, 1, 2, 3).mask(WHOLE, (4, 6))) == [
        "......",
        ".###..",
        ".###..",
        "......",
    ]


@pytest.mark.parametrize(
    "left, width, expected",
    [
        (0.5, 1, "#....."),  # the left edge on a centre belongs to it
        (0.6, 1, ".#...."),
        (0.5, 2, "##...."),  # the right edge on a centre does not
        (0.5, 2.1, "###..."),
        (0.6, 0.8, "......"),
        (-3, 4, "#....."),
        (5.2, 9, ".....#"),
    ],
)
def test_the_edges_of_a_box(left, width, expected):
    assert drawn(Box(0, left, 1, width).mask(WHOLE, (4, 6)))[0] == expected
    corners = (left, 0, left + width, 0, left + width, 1, left, 1)
    assert drawn(Polygons((corners,)).mask(WHOLE, (4, 6)))[0] == expected


def test_boxes_side_by_side_share_no_cell():
    view = (3.3, 2.7, 10.1, 9.9)
    edges = np.linspace(0, 15, 12)
    columns = [
        Box(0, left, 20, right - left).mask(view, (7, 5))
        for left, right in itertools.pairwise(edges)
    ]
    assert (np.sum(columns, 0) == 1).all()


def test_a_box_through_a_view():
    """The view is x 2 to 6, y 0 to 4 at 2 × 2 cells of 2 pixels: centres x 3, 5 and y 1, 3."""
    assert drawn(Box(0, 0, 2, 4).mask((0, 2, 4, 4), (2, 2))) == ["#.", ".."]
    assert drawn(Box(0, 0, 2, 4).mask((0, 2, 4, 4), (4, 4))) == ["##..", "##..", "....", "...."]


def test_what_a_view_cuts_off_a_box():
    """10 × 10 at (0, 0); the view from (5, 5) holds a quarter of it."""
    box = Box(0, 0, 10, 10)
    assert box.cut_off((5, 5, 100, 100)) == 0.75
    assert box.cut_off((0, 0, 10, 10)) == 0
    assert box.cut_off((2.5, 0, 5, 20)) == 0.5
    assert box.cut_off((10, 0, 5, 5)) == 1  # beside it
    assert box.cut_off((50, 50, 5, 5)) == 1


def test_a_triangle_by_hand():
    """(0, 0), (6, 0), (0, 4): inside where x/6 + y/4 < 1 at the centres.

    y .5: x < 5.25; 1.5: x < 3.75; 2.5: x < 2.25; 3.5: x < .75.
    """
    triangle = Polygons(((0, 0, 6, 0, 0, 4),))
    assert drawn(triangle.mask(WHOLE, (4, 6))) == ["#####.", "####..", "##....", "#....."]
    backwards = Polygons(((0, 4, 6, 0, 0, 0),))
    assert (backwards.mask(WHOLE, (4, 6)) == triangle.mask(WHOLE, (4, 6))).all()


def test_parts_are_joined_and_a_part_that_crosses_itself_has_a_hole():
    left, right = (0, 0, 2, 0, 2, 2, 0, 2), (1, 0, 4, 0, 4, 2, 1, 2)
    assert drawn(Polygons((left, right)).mask(WHOLE, (4, 6)))[0] == "####.."
    ring = (0, 0, 6, 0, 6, 4, 0, 4, 0, 0, 2, 1, 4, 1, 4, 3, 2, 3, 2, 1)
    assert drawn(Polygons((ring,)).mask(WHOLE, (4, 6))) == ["######", "##..##", "##..##", "######"]


def test_a_polygon_agrees_with_brute_force():
    """A star of random points against the winding of each centre, edge by edge."""
    rng = np.random.default_rng(0)
    points = rng.random((9, 2)) * [30, 20]
    found = Polygons((tuple(points.ravel()),)).mask((2, 3, 15, 20), (16, 21))
    for row, y in enumerate(2 + (np.arange(16) + 0.5) * 15 / 16):
        for column, x in enumerate(3 + (np.arange(21) + 0.5) * 20 / 21):
            crossed = 0
            for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, 0), strict=True):
                if (y0 <= y) != (y1 <= y):
                    crossed += x0 + (y - y0) / (y1 - y0) * (x1 - x0) <= x
            assert found[row, column] == crossed % 2


def test_polygons_agree_with_pycocotools_but_for_borders():
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.stack([60 + 35 * np.cos(angles), 50 + 30 * np.sin(angles)], 1).ravel()
    ours = Polygons((tuple(circle),)).mask((0, 0, 100, 120), (100, 120))
    runs = coco_mask.merge(coco_mask.frPyObjects([circle.tolist()], 100, 120))
    theirs = coco_mask.decode(runs).astype(bool)
    assert ours.sum() == pytest.approx(np.pi * 35 * 30, rel=0.01)
    assert (ours != theirs).sum() < 0.5 * 2 * np.pi * 35  # less than half of the circumference


def test_what_a_view_cuts_off_a_polygon():
    triangle = Polygons(((0, 0, 60, 0, 0, 40),))
    assert triangle.bounds == (0, 0, 40, 60)
    assert triangle.cut_off((0, 0, 40, 60)) == 0
    assert triangle.cut_off((0, 30, 40, 30)) == pytest.approx(0.75, abs=0.01)
    assert triangle.cut_off((30, 30, 40, 40)) == 1


RUNS = Runs((3, 4), (4, 1, 2, 2, 3))
"""Columns: the pixels 4, 7 and 8 from above and left: (1, 1), (1, 2), (2, 2)."""


def test_runs_by_hand():
    assert drawn(RUNS.pixels()) == ["....", ".##.", "..#."]
    assert drawn(RUNS.mask((0, 0, 3, 4), (3, 4))) == ["....", ".##.", "..#."]
    assert drawn(RUNS.mask((1, 1, 2, 2), (4, 4))) == ["####", "####", "..##", "..##"]
    assert RUNS.cut_off((0, 0, 3, 2)) == pytest.approx(2 / 3)
    assert Runs((1, 2), (0, 2)).pixels().all()


def test_pixels_beyond_the_image_are_no_object():
    mask = Pixels(np.ones((2, 2), bool)).mask((-1, -1, 4, 4), (4, 4))
    assert drawn(mask) == ["....", ".##.", ".##.", "...."]
    assert Pixels(np.zeros((2, 2), bool)).cut_off((0, 0, 2, 2)) == 1


def test_all_shapes_agree_on_one_rectangle():
    inside = np.zeros((20, 30), bool)
    inside[4:11, 7:19] = True
    corners = (7, 4, 19, 4, 19, 11, 7, 11)
    view, size = (2.25, 5.5, 16.5, 16.5), (13, 13)
    box = Box(4, 7, 7, 12)
    for shape in (Polygons((corners,)), Pixels(inside)):
        assert (shape.mask(view, size) == box.mask(view, size)).all()
        assert shape.cut_off((6, 7, 10, 6)) == pytest.approx(box.cut_off((6, 7, 10, 6)), abs=0.02)
