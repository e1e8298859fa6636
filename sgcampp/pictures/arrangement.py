"""Arranges the maps of one image in the columns and rows of a panel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgcampp.explain.looks import INPUT
from sgcampp.explain.methods import METHODS
from sgcampp.pictures.panel import Cell, draw_panel
from sgcampp.pictures.rendering import View
from sgcampp.pictures.style import Style
from sgcampp.tree.rows import MapRow
from sgcampp.tree.words import class_words, flat_words

MOST_NAMED = 4
"""Feature maps of a set that are named one by one."""
Axis = Callable[[MapRow], str]
"""Gives a map the name of its column, or a part of the name of its row."""


ERROR = "its standard error"
"""Name of the columns of errors."""


@dataclass(frozen=True, eq=False)
class DrawnMap:
    """One map as pictures show it, float32 [h, w], with its row, its peak and its standard error.

    The peak is that of `Cell`.
    """

    row: MapRow
    saliency: NDArray[np.float32]
    peak: float | None = None
    error: NDArray[np.float32] | None = None


def panel_of(
    image: NDArray[np.uint8],
    maps: Sequence[DrawnMap],
    title: str,
    view: View | None,
    style: Style,
) -> NDArray[np.uint8]:
    """Draws all maps of an image beside each other.

    What varies first of method, layer, the keys of `across`, class and feature maps gives the
    columns; whatever else varies gives the rows.

    Args:
        image: uint8 [H, W, 3], RGB.
        maps: at least one.
        title: what stands above.
        view: the part of the image that the model saw.
        style: how it looks; with `panel_errors` each map that has an error has it on its right, in
            the same colours.

    Returns:
        uint8 [H', W', 3], RGB.
    """
    name, *by_row = _varying_axes(maps) or [_method]
    columns = list(dict.fromkeys(name(one.row) for one in maps))
    rows = list(dict.fromkeys(_joined(by_row, one.row) for one in maps))
    unsure = {name(one.row) for one in maps if style.panel_errors and one.error is not None}
    places = [
        (column, shown)
        for column in columns
        for shown in ((column, ERROR) if column in unsure else (column,))
    ]
    cells: list[list[Cell | None]] = [[None] * len(places) for _ in rows]
    for one in maps:
        row, column = cells[rows.index(_joined(by_row, one.row))], name(one.row)
        row[places.index((column, column))] = _cell(one, style.fade_uncertain)
        if column in unsure:
            row[places.index((column, ERROR))] = _error_cell(one)
    look = style.colormap, style.alpha, style.panel_scale
    return draw_panel(image, cells, [shown for _, shown in places], rows, title, view, *look)


def _cell(one: DrawnMap, fade: bool) -> Cell:
    error = one.error if fade else None
    return Cell(one.saliency, _caption(one.row), one.peak, bool(one.row.signed), error)


def _error_cell(one: DrawnMap) -> Cell | None:
    """The error of a map, in colours that end where the map's do."""
    if one.error is None:
        return None
    peak = float(np.abs(one.saliency).max()) if one.peak is None else one.peak
    return Cell(one.error, "", peak)


def _varying_axes(maps: Sequence[DrawnMap]) -> list[Axis]:
    """What tells maps apart, in the order in which it shall."""
    several = any(_name_of_filters(one.row) for one in maps)
    axes: list[Axis] = [_method, _layer]
    axes += [_setting(name) for name in maps[0].row.across or {}]
    axes += [_class, _name_of_filters] if several else [_class]
    return [axis for axis in axes if _varies(axis, maps)]


def _varies(axis: Axis, maps: Sequence[DrawnMap]) -> bool:
    """Whether an axis tells maps apart; the input is a layer of its own only beside several."""
    of = [one.row for one in maps if axis is not _layer or one.row.layer != INPUT]
    return len({axis(row) for row in of}) > 1


def _method(row: MapRow) -> str:
    """The method as its paper writes it."""
    return METHODS[row.method or ""].title


def _layer(row: MapRow) -> str:
    return row.layer or ""


def _setting(name: str) -> Axis:
    def of(row: MapRow) -> str:
        value = (row.across or {})[name]
        if name == "subset":
            return "neurons " + " ".join(f"({r}, {c})" for r, c in value)
        return f"{name} {value}"

    return of


def _class(row: MapRow) -> str:
    return class_words(row.class_idx, row.class_name, row.against_idx, row.against_name)


def _name_of_filters(row: MapRow) -> str:
    if row.filters is None:
        return ""
    if len(row.filters) > MOST_NAMED:
        return f"{len(row.filters)} feature maps together"
    return f"feature map{'s' * (len(row.filters) > 1)} " + ", ".join(map(str, row.filters))


def _joined(axes: Sequence[Axis], row: MapRow) -> str:
    return " · ".join(name for name in (axis(row) for axis in axes) if name)


def _caption(row: MapRow) -> str:
    """Class, probability and score; or why there is nothing to see."""
    parts = [_class(row)]
    if row.probability is not None:
        parts.append(f"p {row.probability:.2f}")
    if row.score is not None:
        parts.append(f"S {row.score:.1f}")
    if row.weights is not None and len(row.weights) == 1:
        parts = [f"w {row.weights[0]:.3g}", *parts]
    if row.relative_se is not None:
        parts.append(error_words(row.relative_se))
    if METHODS[row.method or ""].from_minimum:
        parts.append("from its minimum")
    if row.reason:
        parts.append(f"all zeros: {flat_words(row.reason)}")
    return " · ".join(parts)


def error_words(share: float) -> str:
    """A standard error, a share of the map's maximum, in two digits, never as a power of ten."""
    percent = 100 * share
    return f"± {float(f'{percent:.2g}'):.10g} %" if percent >= 0.01 else "± < 0.01 %"
