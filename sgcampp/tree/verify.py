"""Re-reads every file of an output tree and tells what is wrong with it."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sgcampp.errors import UserError
from sgcampp.images.faults import ImageError
from sgcampp.images.headers import read_header
from sgcampp.tree.arrays import decode_map
from sgcampp.tree.index import read_manifest
from sgcampp.tree.lock import is_locked
from sgcampp.tree.paths import KINDS, MANIFEST
from sgcampp.tree.regular import read_regular
from sgcampp.tree.rows import OK, Row
from sgcampp.tree.run_record import read_record


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `path`: below the output directory."""

    path: str
    what: str


def verify(out: Path) -> Iterator[Problem]:
    """Checks an output tree.

    Every file of every row must be there, have its recorded SHA-256 and be readable; arrays must be
    float32 of their map's shape, finite and >= 0; no file may lie about that no row names.

    Yields:
        Problems, file by file.

    Raises:
        UserError: for a directory that is no output tree, or one that a run is writing to.
    """
    if read_record(out) is None:
        raise UserError(f"{out} is no output tree: it has no run.yaml")
    if is_locked(out):
        raise UserError(f"a run is writing to {out}: verify it when that has ended")
    named: set[bytes] = set()
    for row in read_manifest(out / MANIFEST):
        if row.status == OK:
            yield from _row_problems(out, row, named)
    yield from _orphans(out, named)


def _row_problems(out: Path, row: Row, named: set[bytes]) -> Iterator[Problem]:
    for kind, path, sha256, shape in _files(row):
        named.add(_digest(path))
        what = _file_problem(out / path, kind, shape, sha256)
        if what:
            yield Problem(path, what)


def _files(row: Row) -> Iterator[tuple[str, str, str | None, list[int] | None]]:
    """(kind, path, SHA-256, shape of an array) of each file that a row names."""
    for kind, path in row.files.items():
        yield kind, path, row.sha256_files.get(kind), None
    for record in row.maps:
        for kind, path in record.files.items():
            yield kind, path, record.sha256.get(kind), record.shape


def _file_problem(path: Path, kind: str, shape: list[int] | None, sha256: str | None) -> str | None:
    try:
        data = read_regular(path)
        if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
            return "differs from its recorded SHA-256"
        return _array_problem(data, shape) if kind == "arrays" else _picture_problem(data)
    except OSError as error:
        return f"can't be read: {error.strerror or error}"
    except MemoryError:
        return "does not fit into memory"


def _array_problem(data: bytes, shape: list[int] | None) -> str | None:
    try:
        found = list(decode_map(data).shape)
    except ValueError as error:
        return str(error)
    return None if shape in (None, found) else f"is float32 {found}, not {shape}"


def _picture_problem(data: bytes) -> str | None:
    try:
        read_header(data)  # libpng would write its complaints to stderr
        if cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is None:
            return "can't be decoded"
    except ImageError as error:
        return f"can't be decoded: {error.message}"
    except cv2.error:
        return "can't be decoded: OpenCV refuses it"
    return None


def _orphans(out: Path, named: set[bytes]) -> Iterator[Problem]:
    for kind in KINDS:
        for directory, _, names in os.walk(out / kind):
            for name in names:
                path = os.path.relpath(os.path.join(directory, name), out)  # noqa: PTH118
                if _digest(path.replace(os.sep, "/")) not in named:
                    yield Problem(path, "belongs to no row of the manifest")


def _digest(path: str) -> bytes:
    """16 bytes for a path, so that the paths of a million files fit into memory."""
    return hashlib.blake2b(os.fsencode(path), digest_size=16).digest()
