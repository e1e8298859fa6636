"""Boxes in a CSV of `image,class,x,y,w,h`."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from sgcampp.annotations.documents import read_text
from sgcampp.annotations.gathering import Gathering
from sgcampp.annotations.numerals import finite
from sgcampp.annotations.shapes import Box
from sgcampp.errors import UserError

COLUMNS = ("image", "class", "x", "y", "w", "h")


def read_box_table(path: Path, gathering: Gathering) -> None:
    """Reads a line a box, in pixels from the left and top edge; fractions are meant.

    A header may be there; then the columns may have any order, and others may stand between.

    Raises:
        UserError: if it can't be read, is no CSV, or has a line that is no box; names the line.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    order: Sequence[int] = range(len(COLUMNS))
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            header = [cell.casefold() for cell in cells]
            if reader.line_num == 1 and set(COLUMNS) <= set(header):
                order = [header.index(column) for column in COLUMNS]
            elif any(cells):
                _add(cells, order, f"{path}: line {reader.line_num}", gathering)
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num}: {error}") from error


def _add(cells: list[str], order: Sequence[int], where: str, gathering: Gathering) -> None:
    name, category, *numbers = (cells[i] if i < len(cells) else "" for i in order)
    corner = [finite(number) for number in numbers]
    left, top, width, height = (number or 0.0 for number in corner)
    if not name or not category or None in corner:
        raise UserError(
            f"{where} is no box; a line is {','.join(COLUMNS)}, the last four numbers of pixels"
        )
    gathering.image(name, None)
    gathering.add_box(name, category, Box(top, left, height, width), where)
