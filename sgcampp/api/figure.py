"""Explanations as figures and as tables in notebooks."""

import base64
import html
import io
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.errors import UserError
from sgcampp.explain.methods import METHODS
from sgcampp.pictures.encoding import png
from sgcampp.pictures.rendering import heatmap, overlay, robust_peak
from sgcampp.tree.words import class_words, flat_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sgcampp.api.explainer import Explanation

_INCHES, _LETTERS, _COLUMNS = 3.2, 30, 4
_PLAIN, _THUMBNAIL = 224, 96  # pixels of a longer side
_TABLE_ROWS = 20
_OF_A_MAP = (
    "class_idx",
    "against_idx",
    "scores",
    "probabilities",
    "ess",
    "completeness",
    "reasons",
)
"""Attributes of an explanation that have a value for each map."""


@dataclass(frozen=True, eq=False)
class _Entry:
    """One map of an explanation.

    Attributes:
        image: number of the image, from 0.
        saliency: float32 [h, w].
        name: the class in words.
        numbers: what is known of score, p, ess and completeness, as text.
        note: why the map is all zeros; "" for one that is not.
        peak: the value that has the last colour, as in the files that a run writes; None: the
            map's maximum.
        signed: whether values may be negative.
    """

    image: int
    saliency: NDArray[np.float32]
    name: str
    numbers: dict[str, str]
    note: str
    peak: float | None
    signed: bool


def plot(explanation: "Explanation", images: ArrayLike | None = None) -> "Figure":
    """Draws each map with its class, score, probability and effective sample size.

    A row an image and a column a class; with one class an image, four images a row.

    Args:
        explanation: what to draw.
        images: what to draw the maps on: uint8 [N, H, W, 3], RGB, or the model's own input (float
            [N, H, W, C], shown from its minimum to its maximum). They must show what the model saw
            and no more, since a map is stretched over all of its image. None: the maps alone.

    Raises:
        UserError: for images that do not fit, or if matplotlib is not installed.
    """
    entries = list(_entries(explanation))
    count = len(explanation.maps)
    pictures = None if images is None else _pictures(images, count)
    columns = len(entries) // count if explanation.maps.ndim > 3 else min(count, _COLUMNS)
    rows = -(-len(entries) // columns)
    figure = _figure(columns * _INCHES, rows * _INCHES)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    figure.suptitle(_heading(explanation), parse_math=False)
    for axes in grid:
        axes.set_axis_off()
    for axes, entry in zip(grid, entries, strict=False):
        _draw(axes, entry, None if pictures is None else pictures[entry.image])
    return figure


def repr_html(explanation: "Explanation") -> str:
    """Returns a table of the maps for notebooks: HTML that needs no other file.

    Of more than 20 maps it shows the first 20 and says how many are left.
    """
    entries = list(_entries(explanation))
    numbers = list(dict.fromkeys(name for entry in entries for name in entry.numbers))
    rows = "".join(_table_row(entry, numbers) for entry in entries[:_TABLE_ROWS])
    left = len(entries) - _TABLE_ROWS
    more = f"<p>… and {left} more</p>" if left > 0 else ""
    head = "".join(f"<th>{name}</th>" for name in ("image", "map", "class", *numbers, ""))
    return (
        f"<div><p><b>{_escaped(_heading(explanation))}</b></p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}</div>"
    )


def _entries(explanation: "Explanation") -> Iterator[_Entry]:
    """Yields the maps, image by image and class by class."""
    count = len(explanation.maps)
    maps = explanation.maps.reshape(count, -1, *explanation.maps.shape[-2:])
    method = METHODS[explanation.method]
    flat = {name: getattr(explanation, name).reshape(count, -1) for name in _OF_A_MAP}
    for image, which in np.ndindex(maps.shape[:2]):
        of_map = {name: values[image, which] for name, values in flat.items()}
        reason = str(of_map["reasons"])
        saliency = maps[image, which]
        yield _Entry(
            image,
            saliency - saliency.min() if method.from_minimum else saliency,
            _class_name(explanation, of_map["class_idx"], of_map["against_idx"]),
            _numbers(explanation, of_map),
            f"all zeros: {flat_words(reason)}" if reason else "",
            robust_peak(saliency) if method.over_pixels else None,
            explanation.signed,
        )


def _class_name(explanation: "Explanation", index: int, against: int) -> str:
    names = explanation.class_names

    def name(of: int) -> str | None:
        return names[of] if names is not None and of >= 0 else None

    other = int(against) if against >= 0 else None
    return class_words(int(index), name(index), other, name(against), numbered=True)


def _numbers(explanation: "Explanation", of_map: dict[str, Any]) -> dict[str, str]:
    numbers = {"score": f"{of_map['scores']:.2f}"}
    if np.isfinite(of_map["probabilities"]):
        numbers["p"] = f"{of_map['probabilities']:.2f}"
    if np.isfinite(of_map["completeness"]):
        numbers["completeness"] = f"{of_map['completeness']:.3f}"
    elif explanation.nsamples > 1:
        numbers["ess"] = f"{of_map['ess']:.1f} of {explanation.nsamples}"
    return numbers


def _heading(explanation: "Explanation") -> str:
    return f"{explanation.method} at {explanation.layer_name}"


def _figure(width: float, height: float) -> "Figure":
    """Makes a figure that a notebook shows, whether or not it uses pyplot."""
    try:
        from matplotlib.figure import Figure
    except ImportError as missing:
        raise UserError(
            "plots need matplotlib, which is not installed: pip install 'sgcampp[plot]'"
        ) from missing

    class ShownFigure(Figure):
        def _repr_png_(self) -> bytes:
            stream = io.BytesIO()
            self.savefig(stream, format="png")
            return stream.getvalue()

    return ShownFigure(figsize=(width, height), layout="constrained")


def _draw(axes: "Axes", entry: _Entry, picture: NDArray[np.uint8] | None) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours: dict[str, Any] = {"peak": entry.peak, "signed": entry.signed}
    if picture is None:
        drawn = heatmap(entry.saliency, _enlarged(entry.saliency.shape, _PLAIN), **colours)
    else:
        drawn = overlay(picture, entry.saliency, **colours)
    axes.imshow(drawn, interpolation="nearest")
    numbers = ", ".join(f"{name} {number}" for name, number in entry.numbers.items())
    lines = [*textwrap.wrap(entry.name, _LETTERS), numbers, entry.note]
    axes.set_title("\n".join(filter(None, lines)), fontsize="small", parse_math=False)
    peak = entry.peak or float(np.abs(entry.saliency).max())
    if peak and axes.figure is not None:
        scale = ScalarMappable(Normalize(0, peak), "viridis")
        if entry.signed:
            scale = ScalarMappable(Normalize(-peak, peak), "RdBu_r")
        bar = axes.figure.colorbar(scale, ax=axes, shrink=0.8)
        bar.ax.tick_params(labelsize="x-small")


def _pictures(images: ArrayLike, count: int) -> NDArray[np.uint8]:
    """Returns images as uint8 RGB [N, H, W, 3]; the model's own input from minimum to maximum."""
    pictures = np.asarray(images)
    if pictures.ndim != 4 or len(pictures) != count or not pictures.size:
        raise UserError(
            f"images have shape {pictures.shape}, accepted: [{count}, H, W, C], one a map"
        )
    if pictures.dtype != np.uint8:
        least = pictures.min(axis=(1, 2, 3), keepdims=True).astype(np.float64)
        most = pictures.max(axis=(1, 2, 3), keepdims=True)
        shares = (pictures - least) / np.where(most > least, most - least, 1)
        pictures = np.rint(shares * 255)
    if pictures.shape[3] != 3:
        pictures = np.rint(pictures.mean(axis=3, keepdims=True)).repeat(3, axis=3)
    return pictures.astype(np.uint8)


def _table_row(entry: _Entry, numbers: list[str]) -> str:
    cells = (
        str(entry.image),
        f'<img alt="saliency map" src="data:image/png;base64,{_thumbnail(entry)}">',
        _escaped(entry.name),
        *(_escaped(entry.numbers.get(name, "")) for name in numbers),
        _escaped(entry.note),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _thumbnail(entry: _Entry) -> str:
    """Returns a map in colour as a PNG in base64, its longer side 96 pixels."""
    shape = entry.saliency.shape
    size = _enlarged(shape, _THUMBNAIL)
    large = heatmap(entry.saliency, size, peak=entry.peak, signed=entry.signed)
    factor = _THUMBNAIL / max(large.shape[:2])
    least = tuple(max(1, round(side * factor)) for side in large.shape[1::-1])
    small = cv2.resize(large, least, interpolation=cv2.INTER_AREA)
    return base64.b64encode(png(small, compression=1)).decode("ascii")


def _enlarged(shape: tuple[int, ...], least: int) -> tuple[int, int]:
    """The shape (h, w), enlarged so that its longer side has at least so many pixels."""
    factor = max(1.0, least / max(shape))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def _escaped(text: str) -> str:
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))
