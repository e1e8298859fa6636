"""Takes a path in more steps, image by image, until the attributions add up."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.grid import Grid
from sgcampp.engine.results import GroupResult, Maps
from sgcampp.explain.against import MOST_STEPS

DOUBLINGS = 6
"""How often steps are doubled at most: 50 become 3,200."""

Again = Callable[[NDArray[np.int64], int], GroupResult]
"""(which images of the group, steps) to their result."""


def refined(result: GroupResult, steps: int, tolerance: float, again: Again) -> GroupResult:
    """Doubles the steps of the images whose attributions do not add up, and of no others.

    How many steps a map of an image gets depends on that image and class alone.

    Args:
        result: of a group, with `steps`.
        steps: n.
        tolerance: the share of the score's rise that may be missed.
        again: explains some of the group with more steps.
    """
    for _ in range(DOUBLINGS):
        steps *= 2
        rows = np.flatnonzero(_missing(result, tolerance))
        if not len(rows) or steps > MOST_STEPS:
            break
        finer = again(rows, steps)
        maps = {
            look: _taken(maps, finer.maps[look], rows, tolerance)
            for look, maps in result.maps.items()
        }
        result = replace(result, maps=maps)
    return result


def finer_grid(grid: Grid, samples: int) -> Grid:
    """A grid of as many images for more samples an image, in steps no larger."""
    steps = -(-samples // len(grid.slices[0]))
    return replace(grid, slices=tuple(np.array_split(np.arange(samples, dtype=np.int32), steps)))


def _missing(result: GroupResult, tolerance: float) -> NDArray[np.bool_]:
    """Bool [b], whether any map of an image misses too much."""
    of_looks = [(maps.completeness > tolerance).any(1) for maps in result.maps.values()]
    return np.logical_or.reduce(of_looks)


def _taken(maps: Maps, finer: Maps, rows: NDArray[np.int64], tolerance: float) -> Maps:
    """Maps with the finer ones of `rows` in place of those that miss too much."""
    missing = maps.completeness[rows] > tolerance

    def taken(before: NDArray[Any], after: NDArray[Any]) -> NDArray[Any]:
        of_rows = missing.reshape(missing.shape + (1,) * (before.ndim - missing.ndim))
        joined = before.copy()
        joined[rows] = np.where(of_rows, after, before[rows])
        return joined

    return Maps(*map(taken, maps, finer))
