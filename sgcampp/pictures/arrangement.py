"""Arranges the maps of one image in the columns and rows of a panel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgcampp.config.run_config import RunConfig
from sgcampp.explain.looks import INPUT
from sgcampp.explain.methods import METHODS
from sgcampp.pictures.panel import Cell, draw_panel
from sgcampp.pictures.rendering import View
from sgcampp.tree.rows import MapRecord

REASONS_IN_WORDS = {
    "not_finite": "not finite",
    "no_gradient": "no gradient",
    "no_activation": "no activation",
    "no_positive_evidence": "no positive evidence",
}


@dataclass(frozen=True, eq=False)
class Compared:
    """One map, float32 [h, w], with what is recorded about it and its peak (see `Cell`)."""

    record: MapRecord
    saliency: NDArray[np.float32]
    peak: float | None = None


def panel_of(
    image: NDArray[np.uint8],
    maps: Sequence[Compared],
    title: str,
    view: View | None,
    config: RunConfig,
) -> NDArray[np.uint8]:
    """Draws all maps of an image beside each other.

    What varies first of method, layer, the keys of `across`, class and feature maps gives the
    columns; whatever else varies gives the rows.

    Args:
        image: uint8 [H, W, 3], RGB.
        maps: at least one.
        title: what stands above.
        view: the part of the image that the model saw.
        config: says how pictures look.

    Returns:
        uint8 [H', W', 3], RGB.
    """
    several = any(_name_of_filters(one.record) for one in maps)
    axes: list[Callable[[MapRecord], str]] = [_method, _layer]
    axes += [_setting(name) for name in config.across]
    axes += [_class, _name_of_filters] if several else [_class]
    varying = [axis for axis in axes if _varies(axis, maps)]
    by_column, *by_row = varying or [_method]
    columns = list(dict.fromkeys(by_column(one.record) for one in maps))
    rows = list(dict.fromkeys(_joined(by_row, one.record) for one in maps))
    cells: list[list[Cell | None]] = [[None] * len(columns) for _ in rows]
    for one in maps:
        row, column = rows.index(_joined(by_row, one.record)), columns.index(by_column(one.record))
        cells[row][column] = Cell(one.saliency, _caption(one.record), one.peak)
    return draw_panel(
        image,
        cells,
        columns,
        rows,
        title,
        view=view,
        colormap=config.colormap,
        alpha=config.overlay_alpha,
        scale=config.panel_scale,
    )


def _varies(axis: Callable[[MapRecord], str], maps: Sequence[Compared]) -> bool:
    """Whether an axis tells maps apart; the input is a layer of its own only beside several."""
    of = [one.record for one in maps if axis is not _layer or one.record.layer != INPUT]
    return len({axis(record) for record in of}) > 1


def _method(record: MapRecord) -> str:
    """The method as its paper writes it."""
    return METHODS[record.method or ""].summary.partition(":")[0]


def _layer(record: MapRecord) -> str:
    return record.layer or ""


def _setting(name: str) -> Callable[[MapRecord], str]:
    def of(record: MapRecord) -> str:
        value = (record.across or {})[name]
        if name == "subset":
            return "neurons " + " ".join(f"({row}, {column})" for row, column in value)
        return f"{name} {value}"

    return of


def _class(record: MapRecord) -> str:
    name = record.class_name or f"class {record.class_idx}"
    return name if record.against_idx is None else f"{name} against {record.against_name}"


def _name_of_filters(record: MapRecord) -> str:
    if record.filters is None:
        return ""
    return f"feature map{'s' * (len(record.filters) > 1)} " + ", ".join(map(str, record.filters))


def _joined(axes: Sequence[Callable[[MapRecord], str]], record: MapRecord) -> str:
    return " · ".join(name for name in (axis(record) for axis in axes) if name)


def _caption(record: MapRecord) -> str:
    """Class, probability and score; or why there is nothing to see."""
    parts = [_class(record)]
    if record.probability is not None:
        parts.append(f"p {record.probability:.2f}")
    if record.score is not None:
        parts.append(f"S {record.score:.1f}")
    if record.reason:
        parts.append(f"all zeros: {REASONS_IN_WORDS[record.reason]}")
    return " · ".join(parts)
