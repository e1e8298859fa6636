"""Where the parts of a comparison panel stand, in pixels; nothing is drawn here.

From left to right: the image, the names of the rows, the columns of cells, the colour bar. From top
to bottom: the title, the names of the columns, then each row of cells with its captions. Many
columns are broken into lines, each with their names and all rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sgcampp.pictures.lettering import Lettering

TITLE, NAME, CAPTION = Lettering(18, 600), Lettering(15, 600), Lettering(14, 400, 60)
MARGIN, TEXT_GAP, BAR_WIDTH = 16, 6, 14

_GAP = 12
_LEAST_COLUMN, _LEAST_ROW_NAME, _WIDEST_NAME = 150, 110, 320
_LONGEST_LINE = 8  # cells
_LEAST_BAR = 72  # high enough for its labels


@dataclass(frozen=True)
class Bar:
    """A colour bar.

    Attributes:
        upper: lines at its upper end.
        lower: what stands at its lower end.
        signed: whether its colours are those of signed maps.
    """

    upper: tuple[str, ...]
    lower: str = "0"
    signed: bool = False

    @property
    def width(self) -> int:
        """Pixels that it takes with its words."""
        return BAR_WIDTH + TEXT_GAP + max(map(CAPTION.width, (*self.upper, self.lower)))


@dataclass(frozen=True)
class PanelRow:
    """A row of cells, as far as a line has columns.

    Attributes:
        index: the number of the row among those asked for.
        first: the number of its first column.
        columns: names of its columns in lines, where they stand above it; else none.
        top: upper edge of its pictures.
        picture_bottom: their lower edge.
        name: its name in lines.
        captions: the lines under each cell.
    """

    index: int
    first: int
    columns: list[list[str]]
    top: int
    picture_bottom: int
    name: list[str]
    captions: list[list[str]]

    @property
    def name_top(self) -> int:
        """Upper edge of the name, in the middle of the pictures but never above them."""
        room = self.picture_bottom - self.top
        return self.top + max(0, (room - len(self.name) * NAME.line) // 2)

    @property
    def caption_top(self) -> int:
        """Upper edge of the captions."""
        return self.picture_bottom + TEXT_GAP

    @property
    def bottom(self) -> int:
        """Lower edge of all of it."""
        lines = max(map(len, self.captions), default=0)
        under = self.caption_top + lines * CAPTION.line if lines else self.picture_bottom
        return max(under, self.name_top + len(self.name) * NAME.line)


@dataclass(frozen=True)
class PanelLayout:
    """A panel.

    Attributes:
        size: (height, width) of the panel.
        image_centre: column of pixels that the image is centred on.
        names_right: right edge of the names of the rows.
        centres: columns of pixels that the cells of a line are centred on.
        rows: from top to bottom, at least one.
        bar: (top, bottom) of the colour bars.
        bar_lefts: left edge of each.
    """

    size: tuple[int, int]
    image_centre: float
    names_right: int
    centres: list[float]
    rows: list[PanelRow]
    bar: tuple[int, int]
    bar_lefts: list[int]


def lay_out(
    picture: tuple[int, int],
    columns: Sequence[str],
    rows: Sequence[str],
    captions: Sequence[Sequence[str]],
    bars: Sequence[Bar],
) -> PanelLayout:
    """Finds a place for everything.

    Args:
        picture: (height, width) of the image and of each map as they are drawn.
        columns: names; a column has the width that they need in two lines, up to 320 pixels.
        rows: names, at least one, which may be "".
        captions: one a cell, len(rows) lists of len(columns).
        bars: at least one.
    """
    height, width = picture
    column = max(width, _LEAST_COLUMN, _width_of_names(columns))
    names = [NAME.lines(name, max(_LEAST_ROW_NAME, _width_of_names(rows))) for name in rows]
    names_width = max((NAME.width(line) for name in names for line in name), default=0)
    names_right = MARGIN + width + (_GAP + names_width if names_width else 0)
    headers = [NAME.lines(name, column) for name in columns]
    wrapped = [[CAPTION.lines(caption, column) for caption in of_row] for of_row in captions]
    longest = _longest_line(len(columns))
    placed = _rows(height, headers, names, wrapped, longest)
    top = placed[0].top
    bar_bottom = max(placed[-1].picture_bottom, top + _LEAST_BAR)
    edges = [names_right + _GAP + longest * (column + _GAP)]
    for bar in bars:
        edges.append(edges[-1] + bar.width + _GAP)
    *bar_lefts, right = edges
    return PanelLayout(
        (max(placed[-1].bottom, bar_bottom) + MARGIN, right - _GAP + MARGIN),
        MARGIN + width / 2,
        names_right,
        [names_right + _GAP + n * (column + _GAP) + column / 2 for n in range(longest)],
        placed,
        (top, bar_bottom),
        bar_lefts,
    )


def _width_of_names(names: Sequence[str]) -> int:
    """Returns the width at which no name loses letters, within reason."""
    return min(max(map(NAME.least_width, names), default=0), _WIDEST_NAME)


def _longest_line(columns: int) -> int:
    """Cells of a line, as many in each as can be."""
    return -(-columns // max(1, -(-columns // _LONGEST_LINE)))


def _rows(
    height: int,
    headers: list[list[str]],
    names: list[list[str]],
    captions: list[list[list[str]]],
    longest: int,
) -> list[PanelRow]:
    """All rows of the first line of columns, then those of the next."""
    rows: list[PanelRow] = []
    above = MARGIN + TITLE.line + TEXT_GAP
    for first in range(0, max(len(headers), 1), max(longest, 1)):
        line = slice(first, first + longest)
        header = max(map(len, headers[line]), default=0) * NAME.line + TEXT_GAP
        for index, (name, of_row) in enumerate(zip(names, captions, strict=True)):
            top = above + (0 if index else header)
            named = [] if index else headers[line]
            rows.append(PanelRow(index, first, named, top, top + height, name, of_row[line]))
            above = rows[-1].bottom + _GAP
    return rows
