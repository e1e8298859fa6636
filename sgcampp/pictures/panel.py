"""One comparison picture of an image: itself, and its saliency maps in named columns and rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError
from sgcampp.pictures.panel_layout import (
    BAR_WIDTH,
    CAPTION,
    MARGIN,
    NAME,
    TEXT_GAP,
    TITLE,
    Bar,
    PanelLayout,
    PanelRow,
    lay_out,
)
from sgcampp.pictures.rendering import View, heatmap, overlay

SCALES = ("own", "shared")
"""own: each map's colours end at its own maximum; shared: at the largest maximum of the panel."""

_LEAST_SIDE, _GREATEST_SIDE = 224, 320  # pixels of a picture's longer side


@dataclass(frozen=True, eq=False)
class Cell:
    """One saliency map of a panel.

    Attributes:
        saliency: float32 [h,w], ≥ 0 unless signed, unnormalised.
        caption: what stands under it, such as "tabby 0.83"; may be empty.
        peak: the value that has the last colour with scale="own"; None: the map's maximum.
        signed: whether values may be negative.
        error: float32 [h,w], its standard error, where colours shall fade for it.
    """

    saliency: NDArray[np.float32]
    caption: str
    peak: float | None = None
    signed: bool = False
    error: NDArray[np.float32] | None = None


def draw_panel(
    image: NDArray[np.uint8],
    cells: Sequence[Sequence[Cell | None]],
    columns: Sequence[str],
    rows: Sequence[str],
    title: str,
    view: View | None = None,
    colormap: str = "viridis",
    alpha: float = 0.6,
    scale: str = "own",
) -> NDArray[np.uint8]:
    """Draws an image and overlays of its saliency maps, with their names and a colour bar.

    A picture's longer side has 224 to 320 pixels. More than eight columns are broken into lines.
    Long names and captions take two lines; what is still too long loses its middle to an ellipsis.

    Args:
        image: uint8 [H,W,3], RGB.
        cells: a list of cells for each row; None leaves a place blank.
        columns: what stands above each one.
        rows: what stands beside each row; [""] for a single one without a name.
        title: what stands above all, such as the image's key.
        view: as for `rendering.overlay`, as are the next two; in pixels of `image`.
        colormap: of `rendering.COLORMAPS`.
        alpha: opacity of the colours at the maximum.
        scale: of `SCALES`.

    Returns:
        uint8 [H',W',3], RGB.

    Raises:
        UserError: for an unknown scale or colour map, or an alpha outside 0 to 1.
        ValueError: for cells of another number, or what `rendering.overlay` refuses.
    """
    _check(cells, columns, rows, scale)
    peak = _largest(cells) if scale == "shared" else None
    small, small_view = _fitted(image, view)

    def drawn(cell: Cell) -> NDArray[np.uint8]:
        last = cell.peak if scale == "own" else peak
        return _overlay(small, cell, alpha, colormap, small_view, last)

    return _laid_out(small, cells, drawn, columns, rows, title, colormap, _bars(cells, peak))


def _check(
    cells: Sequence[Sequence[Cell | None]], columns: Sequence[str], rows: Sequence[str], scale: str
) -> None:
    if scale not in SCALES:
        raise UserError(f"panel scale {scale!r} is unknown; accepted are {' and '.join(SCALES)}")
    if not rows or [len(row) for row in cells] != [len(columns)] * len(rows):
        raise ValueError(f"cells are not {len(rows)} rows of {len(columns)}")


def _laid_out(
    image: NDArray[np.uint8],
    cells: Sequence[Sequence[Cell | None]],
    drawn: Callable[[Cell], NDArray[np.uint8]],
    columns: Sequence[str],
    rows: Sequence[str],
    title: str,
    colormap: str,
    bars: tuple[Bar, ...],
) -> NDArray[np.uint8]:
    """Puts the image, the drawn cells, all names and the colour bars into their places."""
    captions = [[cell.caption if cell else "" for cell in row] for row in cells]
    layout = lay_out((image.shape[0], image.shape[1]), columns, rows, captions, bars)
    canvas = np.full((*layout.size, 3), 255, np.uint8)
    _write_names(canvas, layout, title)
    _paste(canvas, image, layout.image_centre, layout.rows[0])
    for row in layout.rows:
        for centre, cell in zip(layout.centres, cells[row.index][row.first :], strict=False):
            if cell is not None:
                _paste(canvas, drawn(cell), centre, row)
    for bar, left in zip(bars, layout.bar_lefts, strict=True):
        _draw_bar(canvas, layout, colormap, bar, left)
    return canvas


def _largest(cells: Sequence[Sequence[Cell | None]]) -> float:
    peaks = (float(np.abs(cell.saliency).max()) for row in cells for cell in row if cell)
    return max(peaks, default=0.0)


def _bars(cells: Sequence[Sequence[Cell | None]], peak: float | None) -> tuple[Bar, ...]:
    """The colour bars that the cells need: of maps that are never negative, and of signed ones."""
    words = ("max", "of each") if peak is None else (f"{peak:.3g}", "max of all")
    kinds = sorted({cell.signed for row in cells for cell in row if cell} or {False})
    return tuple(
        Bar(words, ("-max" if peak is None else f"{-peak:.3g}") if signed else "0", signed)
        for signed in kinds
    )


def _fitted(image: NDArray[np.uint8], view: View | None) -> tuple[NDArray[np.uint8], View | None]:
    """Returns the image at the size of a cell, and the view of it."""
    height, width = image.shape[:2]
    longer = max(height, width)
    factor = min(max(longer, _LEAST_SIDE), _GREATEST_SIDE) / longer
    size = max(1, round(height * factor)), max(1, round(width * factor))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    small = cv2.resize(image, size[::-1], interpolation=way).astype(np.uint8)
    return small, _scaled(view, size[0] / height, size[1] / width)


def _scaled(view: View | None, down: float, across: float) -> View | None:
    if view is None:
        return None
    top, left, height, width = view
    return top * down, left * across, height * down, width * across


def _overlay(
    image: NDArray[np.uint8],
    cell: Cell,
    alpha: float,
    colormap: str,
    view: View | None,
    peak: float | None,
) -> NDArray[np.uint8]:
    """Overlays a map that may be finer than the picture: no neuron falls between its pixels."""
    height, width = image.shape[:2]
    seen = view[2:] if view else (height, width)
    down, across = (
        max(1, int(np.ceil(neurons / room)))
        for neurons, room in zip(cell.saliency.shape, seen, strict=True)
    )
    large = image.repeat(down, axis=0).repeat(across, axis=1)
    scaled = _scaled(view, down, across)
    of_cell = scaled, peak, cell.signed, cell.error
    drawn = overlay(large, cell.saliency, alpha, colormap, *of_cell)
    return cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def _paste(
    canvas: NDArray[np.uint8], picture: NDArray[np.uint8], centre: float, row: PanelRow
) -> None:
    height, width = picture.shape[:2]
    left = int(centre - width / 2)
    canvas[row.top : row.top + height, left : left + width] = picture


def _write_names(canvas: NDArray[np.uint8], layout: PanelLayout, title: str) -> None:
    """Writes the title, the names of columns and rows, and the captions."""
    TITLE.write(canvas, [TITLE.shorten(title, layout.size[1] - 2 * MARGIN)], MARGIN, MARGIN)
    for row in layout.rows:
        for centre, lines in zip(layout.centres, row.columns, strict=False):
            top = row.top - TEXT_GAP - len(lines) * NAME.line
            NAME.write(canvas, lines, centre, top, 0.5)
        NAME.write(canvas, row.name, layout.names_right, row.name_top, 1)
        for centre, lines in zip(layout.centres, row.captions, strict=False):
            CAPTION.write(canvas, lines, centre, row.caption_top, 0.5)


def _draw_bar(
    canvas: NDArray[np.uint8], layout: PanelLayout, colormap: str, bar: Bar, left: int
) -> None:
    """Draws a colour bar beside all rows, its maximum at the top."""
    top, bottom = layout.bar
    right = left + BAR_WIDTH
    ramp = np.linspace(1, -1 if bar.signed else 0, 256, dtype=np.float32)[:, None]
    size = bottom - top, BAR_WIDTH
    canvas[top:bottom, left:right] = heatmap(ramp, size, colormap, signed=bar.signed)
    CAPTION.write(canvas, list(bar.upper), right + TEXT_GAP, top)
    CAPTION.write(canvas, [bar.lower], right + TEXT_GAP, bottom - CAPTION.line)
