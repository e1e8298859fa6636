"""Lists of images: text files of paths or URLs, with a column for their classes or without."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any
from urllib.parse import urlsplit

from sgcampp.errors import UserError
from sgcampp.images.items import Found, Names
from sgcampp.storage.location import Location, locate
from sgcampp.storage.urls import is_url, redacted

IMAGES = ("image", "path", "url", "file")
LABELS = ("class", "label")

Entry = tuple[str, str | None]
"""What stands for an image, and for its class."""


def list_items(file: Location, accepts: Callable[[str], bool]) -> Iterator[Found]:
    """Lists the images that a file names, in its order; what stands there twice comes once.

    Paths are relative to the file's directory, and so are keys; those of images elsewhere are
    their whole paths, or host and path of their URLs.

    Args:
        file: .txt: one a line; .csv: with a column `image`, `path`, `url` or `file`, and perhaps
            `class` or `label`; .jsonl: text, or objects with these names.
        accepts: whether an image of that name is listed.

    Raises:
        UserError: if it can't be read, with the number of the line.
    """
    names, whole = Names(), Names()
    directory = file.name.rpartition("/")[0]
    for text, label in _entries(file):
        name = _name(text, directory)
        if not whole.add(text) or not accepts(name):
            continue
        fault = names.fault(name)
        if fault:
            yield Found(fault[0], error=fault[1])
        else:
            yield Found(name, _place(text, file, directory), label=label)


def _name(text: str, directory: str) -> str:
    """The key of what stands for an image."""
    if is_url(text):
        parts = urlsplit(redacted(text))
        return f"{parts.netloc}/{parts.path.strip('/')}".strip("/")
    path = normpath(f"{directory}/{text}" if directory and not text.startswith("/") else text)
    try:
        return str(PurePosixPath(path).relative_to(directory))
    except ValueError:
        return path.lstrip("/")


def _place(text: str, file: Location, directory: str) -> Location:
    if is_url(text) or text.startswith("/"):
        return locate(text)
    return Location(file.store, normpath(f"{directory}/{text}" if directory else text))


def _entries(file: Location) -> Iterator[Entry]:
    kind = file.last.rpartition(".")[2].lower()
    where = file.shown
    try:
        with file.store.open(file.name) as stream:
            lines = io.TextIOWrapper(stream, "utf-8-sig", newline="")
            yield from _READERS[kind](lines, where)
    except OSError as error:
        raise UserError(f"list {where} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"list {where} is not UTF-8 text") from error


def _of_text(lines: io.TextIOWrapper, where: str) -> Iterator[Entry]:
    for line in lines:
        if line.strip():
            yield line.strip(), None


def _of_csv(lines: io.TextIOWrapper, where: str) -> Iterator[Entry]:
    rows = csv.DictReader(lines, strict=True)
    try:
        columns = rows.fieldnames or ()
        image = next((name for name in IMAGES if name in columns), None)
        if image is None:
            raise UserError(f"list {where} has no column {' or '.join(IMAGES)}")
        for row in rows:
            yield _entry(row, image, f"list {where}, line {rows.line_num}")
    except csv.Error as error:
        raise UserError(f"list {where}, line {rows.line_num}: is no CSV: {error}") from error


def _of_json(lines: io.TextIOWrapper, where: str) -> Iterator[Entry]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        at = f"list {where}, line {number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{at}: is no JSON: {error}") from error
        if isinstance(value, str) and value:
            yield value, None
            continue
        image = next((name for name in IMAGES if isinstance(value, dict) and name in value), None)
        if image is None:
            raise UserError(f"{at}: has no {' or '.join(IMAGES)}")
        yield _entry(value, image, at)


_READERS = {"txt": _of_text, "csv": _of_csv, "jsonl": _of_json}


def _entry(row: dict[str, Any], image: str, where: str) -> Entry:
    text = row[image].strip() if isinstance(row[image], str) else ""
    if not text or "\0" in text:
        raise UserError(f"{where}: {image} is {row[image]!r:.100}, accepted: a path or a URL")
    label = next((row[name] for name in LABELS if row.get(name) not in (None, "")), None)
    return text, None if label is None else str(label).strip()
