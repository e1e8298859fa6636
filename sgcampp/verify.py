"""Re-reads every file of an output tree and tells what is wrong with it."""

import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sgcampp.errors import UserError
from sgcampp.files.index import read_manifest
from sgcampp.files.lock import is_locked
from sgcampp.files.rows import OK, Row
from sgcampp.files.tree import KINDS, MANIFEST
from sgcampp.record import read_record


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `path`: below the output directory."""

    path: str
    what: str


def verify(out: Path) -> Iterator[Problem]:
    """Checks an output tree.

    Every file of every row must be there, have its recorded SHA-256 and be readable; arrays must be
    float32 of the row's shape, finite and >= 0; no file may lie about that no row names.

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
    for record in row.maps:
        for kind, path in record.files.items():
            named.add(_digest(path))
            what = _file_problem(out / path, kind, row.shape, record.sha256.get(kind))
            if what:
                yield Problem(path, what)


def _file_problem(path: Path, kind: str, shape: list[int] | None, sha256: str | None) -> str | None:
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"can't be read: {error.strerror}"
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        return "differs from its recorded SHA-256"
    return _array_problem(data, shape) if kind == "arrays" else _picture_problem(data)


def _array_problem(data: bytes, shape: list[int] | None) -> str | None:
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        return f"is no .npy array: {error}"
    if array.dtype != np.float32 or (shape is not None and list(array.shape) != shape):
        return f"is {array.dtype} {list(array.shape)}, not float32 {shape}"
    if not np.isfinite(array).all() or array.min() < 0:
        return "has values that are not finite, or negative"
    return None


def _picture_problem(data: bytes) -> str | None:
    if cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is None:
        return "can't be decoded"
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
