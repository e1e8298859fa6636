"""Outlines of objects, and which cells of a grid over the model's view they cover.

Coordinates are continuous: pixel (row 0, column 0) is the square from 0 to 1, so its centre is
(.5, .5). A cell belongs to an object if the cell's centre lies in it; left and top edges belong
to an outline, right and bottom edges do not. A box of width 1 at x = .5 thus covers the pixel
that begins at 0 and has its centre at .5, and boxes side by side share no pixel.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

View = tuple[float, float, float, float]
"""(top, left, height, width) in pixels of the upright image: the rectangle the model saw."""

Size = tuple[int, int]
"""(height, width)."""

Mask = NDArray[np.bool_]

_FEWEST, _MOST = 64, 1024  # cells a side that measure which share of a polygon a view cuts off


class Shape(Protocol):
    """An outline in pixels of the upright image."""

    def mask(self, view: View, size: Size) -> Mask:
        """Which cells of a grid of that size over the view have their centre in it, [h,w]."""
        ...

    def cut_off(self, view: View) -> float:
        """The share of its area outside of the view, 0 to 1; exactly 1 if nothing is inside."""
        ...


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle whose edges are parallel to the image's."""

    top: float
    left: float
    height: float
    width: float

    def __str__(self) -> str:
        return f"box x={self.left:g} y={self.top:g} w={self.width:g} h={self.height:g}"

    def mask(self, view: View, size: Size) -> Mask:
        """As `Shape.mask`."""
        ys, xs = centres(view, size)
        rows = (ys >= self.top) & (ys < self.top + self.height)
        columns = (xs >= self.left) & (xs < self.left + self.width)
        return rows[:, None] & columns

    def cut_off(self, view: View) -> float:
        """As `Shape.cut_off`, exact."""
        inside = self.within(view)
        if inside is None:
            return 1.0
        return max(0.0, 1 - inside.height / self.height * (inside.width / self.width))

    def within(self, view: View) -> "Box | None":
        """The part of it inside of a rectangle, None if there is none."""
        top, left = max(self.top, view[0]), max(self.left, view[1])
        height = min(self.top + self.height, view[0] + view[2]) - top
        width = min(self.left + self.width, view[1] + view[3]) - left
        return Box(top, left, height, width) if height > 0 and width > 0 else None


@dataclass(frozen=True)
class Polygons:
    """One or more polygons; a point is inside if it is in any of them, by the even-odd rule.

    Attributes:
        parts: x, y, x, y, … of each, at least three points.
    """

    parts: tuple[tuple[float, ...], ...]

    def mask(self, view: View, size: Size) -> Mask:
        """As `Shape.mask`."""
        ys, xs = centres(view, size)
        inside = np.zeros(size, np.bool_)
        for part in self.parts:
            inside |= _even_odd(np.reshape(part, (-1, 2)), ys, xs)
        return inside

    def cut_off(self, view: View) -> float:
        """As `Shape.cut_off`, by a grid of at most a pixel (an 64th to a 1024th of its sides)."""
        bounds = self.bounds
        size = tuple(int(np.clip(np.ceil(side), _FEWEST, _MOST)) for side in bounds[2:])
        return _share_outside(self.mask(bounds, (size[0], size[1])), bounds, view)

    @cached_property
    def bounds(self) -> View:
        """The smallest rectangle around it."""
        points = np.concatenate([np.reshape(part, (-1, 2)) for part in self.parts])
        (left, top), (right, bottom) = points.min(0), points.max(0)
        return float(top), float(left), float(bottom - top), float(right - left)


@dataclass(frozen=True)
class Runs:
    """A mask of the whole image, as the lengths of its runs in columns, outside and inside in turn.

    Attributes:
        size: of the image.
        lengths: adding up to its pixels; the first run is outside and may be 0.
    """

    size: Size
    lengths: tuple[int, ...]

    def mask(self, view: View, size: Size) -> Mask:
        """As `Shape.mask`: the pixel that a cell's centre lies in decides."""
        return Pixels(self.pixels()).mask(view, size)

    def cut_off(self, view: View) -> float:
        """As `Shape.cut_off`, by the centres of pixels."""
        return Pixels(self.pixels()).cut_off(view)

    def pixels(self) -> Mask:
        """The mask of the whole image, [H,W]."""
        inside = np.arange(len(self.lengths)) % 2 == 1
        return np.repeat(inside, self.lengths).reshape(self.size, order="F")


@dataclass(frozen=True, eq=False)
class Pixels:
    """A mask of the whole image.

    Attributes:
        inside: bool [H,W].
    """

    inside: Mask

    def mask(self, view: View, size: Size) -> Mask:
        """As `Shape.mask`: the pixel that a cell's centre lies in decides."""
        rows, columns = (np.floor(along).astype(int) for along in centres(view, size))
        height, width = self.inside.shape
        known = ((rows >= 0) & (rows < height))[:, None] & (columns >= 0) & (columns < width)
        near = np.ix_(np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1))
        return np.asarray(self.inside[near] & known)

    def cut_off(self, view: View) -> float:
        """As `Shape.cut_off`, by the centres of pixels."""
        return _share_outside(self.inside, (0, 0, *self.inside.shape), view)


def centres(view: View, size: Size) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The centres (y [h], x [w]) of the cells of a grid over a view, in pixels of the image."""
    top, left, height, width = view
    ys = top + (np.arange(size[0]) + 0.5) * height / size[0]
    return ys, left + (np.arange(size[1]) + 0.5) * width / size[1]


def _even_odd(
    points: NDArray[np.float64], ys: NDArray[np.float64], xs: NDArray[np.float64]
) -> Mask:
    """Which points of the grid (ys, xs) lie in a polygon of (x, y) points [n,2].

    An edge flips all that lies right of it, so a point is inside after an odd number of flips.
    """
    (x0, y0), (x1, y1) = points.T, np.roll(points, -1, axis=0).T
    crosses = (y0[:, None] <= ys) != (y1[:, None] <= ys)
    edge, row = np.nonzero(crosses)
    x = x0[edge] + (ys[row] - y0[edge]) / (y1[edge] - y0[edge]) * (x1[edge] - x0[edge])
    flips = np.zeros((len(ys), len(xs) + 1), np.int32)
    np.add.at(flips, (row, np.searchsorted(xs, x)), 1)
    return np.asarray(np.cumsum(flips[:, :-1], axis=1) % 2 == 1)


def _share_outside(inside: Mask, bounds: View, view: View) -> float:
    """The share of a mask's cells over `bounds` whose centres are outside of the view."""
    ys, xs = centres(bounds, (inside.shape[0], inside.shape[1]))
    rows = (ys >= view[0]) & (ys < view[0] + view[2])
    columns = (xs >= view[1]) & (xs < view[1] + view[3])
    whole = np.count_nonzero(inside)
    return 1 - np.count_nonzero(inside[np.ix_(rows, columns)]) / whole if whole else 1.0
