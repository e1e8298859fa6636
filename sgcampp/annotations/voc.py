"""Annotations in Pascal VOC's XML, one file an image."""

from pathlib import Path, PurePosixPath
from xml.etree import ElementTree as ET

from sgcampp.annotations.documents import read_xml
from sgcampp.annotations.gathering import Gathering
from sgcampp.annotations.numerals import finite
from sgcampp.annotations.shapes import Box, Size
from sgcampp.errors import UserError

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_voc(paths: list[Path], root: Path, gathering: Gathering) -> None:
    """Reads VOC files: their boxes, also those of difficult, truncated and occluded objects.

    An image is called by its `filename`, in the file's own directory below `root`; without one, as
    the file. Corners are numbers of pixels from 1, the last one included: xmin = 1, xmax = 1 is the
    first column, from 0 to 1.

    Raises:
        UserError: for a file that can't be read, is no XML or no VOC annotation.
    """
    for path in paths:
        document = read_xml(path)
        if document.tag != "annotation":
            raise UserError(f"{path}: is no VOC annotation: its root is <{document.tag:.100}>")
        beside = PurePosixPath(path.relative_to(root).as_posix())
        named = (document.findtext("filename") or "").strip().replace("\\", "/")
        name = str(beside.with_name(PurePosixPath(named).name or path.stem))
        gathering.image(name, _size(document))
        for number, thing in enumerate(document.findall("object"), 1):
            where = f"{path}: object {number}"
            box = _box(thing, where)
            category = (thing.findtext("name") or "").strip()
            if not category:
                raise UserError(f"{where} has no <name>")
            gathering.add_box(name, category, box, where)


def _size(document: ET.Element) -> Size | None:
    """Of the picture; None where it is left out or 0, as some tools write it."""
    sides = [finite(document.findtext(f"size/{side}")) for side in ("height", "width")]
    if any(side is None or side < 1 for side in sides):
        return None
    return int(sides[0] or 0), int(sides[1] or 0)


def _box(thing: ET.Element, where: str) -> Box:
    corners = [finite(thing.findtext(f"bndbox/{corner}")) for corner in _CORNERS]
    if None in corners:
        raise UserError(f"{where}: <bndbox> does not hold the numbers {', '.join(_CORNERS)}")
    left, top, right, bottom = (corner or 0.0 for corner in corners)
    return Box(top - 1, left - 1, bottom - top + 1, right - left + 1)
