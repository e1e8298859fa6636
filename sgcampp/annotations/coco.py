"""Annotations in COCO's JSON: boxes, polygons and run lengths."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from sgcampp.annotations.documents import read_json
from sgcampp.annotations.gathering import Gathering
from sgcampp.annotations.numerals import is_number
from sgcampp.annotations.shapes import Box, Polygons, Runs, Size
from sgcampp.errors import UserError

_POINTS = 3  # of a polygon that has an area
_MAX_PIXELS = 100_000_000

Record = dict[str, Any]


def read_coco(path: Path, gathering: Gathering) -> None:
    """Reads the objects of a COCO file; an outline goes before the box around it.

    Parts of an outline that have fewer than three points are left out. A crowd (iscrowd) is kept
    and marked as one. What refers to an image or a category that the file does not list, as in a
    cut-out of a data set, is counted.

    Raises:
        UserError: if it can't be read, is no JSON, or is no COCO file.
    """
    document = read_json(path)
    if not isinstance(document, dict):
        raise UserError(f"{path}: is no COCO file of images, annotations and categories")
    images = _by_id(path, document, "images", "file_name")
    categories = _by_id(path, document, "categories", "name")
    for record in images.values():
        gathering.image(_name(record), _size(record))
    for number, record in enumerate(_records(path, document, "annotations")):
        where = f"{path}: annotations[{number}]"
        image, category = (_id(record, name, where) for name in ("image_id", "category_id"))
        if image not in images:
            gathering.drop("image not listed", f"{where}: there is no image {image!r}")
        elif category not in categories:
            gathering.drop("category not listed", f"{where}: there is no category {category!r}")
        else:
            _add(record, _name(images[image]), categories[category]["name"], gathering, where)


def _add(record: Record, name: str, category: str, gathering: Gathering, where: str) -> None:
    crowd, outline = bool(record.get("iscrowd")), record.get("segmentation")
    if isinstance(outline, dict):
        runs = _runs(outline, gathering.images[name].size, where)
        if isinstance(runs, str):
            gathering.drop("bad outline", f"{where}: {runs}")
        elif not sum(runs.lengths[1::2]):
            gathering.drop("no area", f"{where}: the runs mark no pixel")
        else:
            gathering.add(name, category, runs, where, crowd)
        return
    listed = outline if isinstance(outline, list) else []
    parts = [part for part in listed if isinstance(part, list) and _is_polygon(part)]
    if parts:
        gathering.add_polygons(name, category, Polygons(tuple(map(tuple, parts))), where, crowd)
    elif outline:
        gathering.drop("bad outline", f"{where}: segmentation is no x, y, x, y, x, y, …")
    else:
        gathering.add_box(name, category, _box(record, where), where, crowd)


def _records(path: Path, document: Record, name: str) -> list[Record]:
    records = document.get(name)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise UserError(f"{path}: is no COCO file: {name} is no list of objects")
    return records


def _by_id(path: Path, document: Record, name: str, title: str) -> dict[int | str, Record]:
    """The records of a list by their id, each with a text under `title`."""
    found: dict[int | str, Record] = {}
    for number, record in enumerate(_records(path, document, name)):
        where = f"{path}: {name}[{number}]"
        key = _id(record, "id", where)
        if not isinstance(record.get(title), str) or not record[title].strip():
            raise UserError(f"{where} has no {title}")
        if key in found:
            raise UserError(f"{where}: id {key!r} stands twice")
        found[key] = record
    return found


def _id(record: Record, name: str, where: str) -> int | str:
    value = record.get(name)
    if not isinstance(value, (int, str)) or isinstance(value, bool):
        raise UserError(f"{where} has no {name}, which is a whole number or text")
    return value


def _name(record: Record) -> str:
    return str(record["file_name"]).strip()


def _size(record: Record) -> Size | None:
    height, width = record.get("height"), record.get("width")
    if not (isinstance(height, int) and isinstance(width, int) and min(height, width) > 0):
        return None
    return height, width


def _box(record: Record, where: str) -> Box:
    box = record.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(map(is_number, box)):
        raise UserError(f"{where} has no outline and no bbox of four numbers x, y, width, height")
    left, top, width, height = map(float, box)
    return Box(top, left, height, width)


def _is_polygon(part: list[Any]) -> bool:
    return len(part) >= 2 * _POINTS and len(part) % 2 == 0 and all(map(is_number, part))


def _runs(outline: Record, image: Size | None, where: str) -> Runs | str:
    """The run lengths of an outline, or what is wrong with it."""
    counts, size = outline.get("counts"), _run_size(outline.get("size"), image)
    if isinstance(size, str):
        return size
    if isinstance(counts, str):
        return _decompressed(size, counts, where)
    if not isinstance(counts, list) or not all(isinstance(n, int) and n >= 0 for n in counts):
        return "the runs are no whole numbers"
    if sum(counts) != size[0] * size[1]:
        return f"the runs do not add up to {size[0]}·{size[1]} pixels"
    return Runs(size, tuple(counts))


def _run_size(size: Any, image: Size | None) -> Size | str:
    if not isinstance(size, list) or len(size) != 2 or not all(isinstance(n, int) for n in size):
        return "the runs have no size of two whole numbers"
    height, width = size
    if min(size) < 1 or height * width > _MAX_PIXELS:
        return f"the runs are of {width}×{height} pixels"
    if image and (height, width) != image:
        return f"the runs are of {width}×{height} pixels, the image of {image[1]}×{image[0]}"
    return height, width


def _decompressed(size: Size, counts: str, where: str) -> Runs | str:
    try:
        coco_mask = import_module("pycocotools.mask")
    except ImportError as error:
        raise UserError(
            f"{where}: compressed masks need pycocotools, pip install 'sgcampp[boxes]'"
        ) from error
    try:
        inside = coco_mask.decode({"size": list(size), "counts": counts.encode("ascii", "replace")})
    except ValueError as error:
        return str(error)
    # Of runs that end too soon the rest is whatever lay in memory, which other runs stand for.
    if coco_mask.encode(np.asfortranarray(inside))["counts"].decode("ascii") != counts:
        return "the compressed runs do not fill the image"
    column_major = inside.ravel(order="F")
    edges = np.flatnonzero(np.diff(column_major, prepend=0))
    lengths = np.diff(edges, prepend=0, append=column_major.size)
    return Runs(size, tuple(map(int, lengths)))
