"""Re-reads every file of an output tree and tells what is wrong with it."""

import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import PngImagePlugin

from sgcampp.errors import UserError
from sgcampp.images.faults import ImageError
from sgcampp.images.headers import ON_DAMAGE, read_header
from sgcampp.storage.location import Named
from sgcampp.storage.store import walk
from sgcampp.tree.arrays import decode_map
from sgcampp.tree.open_tree import open_tree
from sgcampp.tree.rows import OK, MapRow, Row
from sgcampp.tree.shards import SHARDS, TreeFiles, member_name, shard_of


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `path`: below the output directory."""

    path: str
    what: str


def verify(out: Named) -> Iterator[Problem]:
    """Checks an output tree.

    Every file of every row must be there, have its recorded SHA-256 and be readable; arrays must be
    float32 of their map's shape, finite, and >= 0 unless it is signed; no file may lie about that
    no row names.

    Yields:
        Problems, file by file.

    Raises:
        UserError: for a directory that is no output tree, or one that a run is writing to.
    """
    tree = open_tree(out)
    if tree.is_locked():
        raise UserError(f"a run is writing to {tree.store.shown()}: verify it when that has ended")
    named: set[bytes] = set()
    for row in tree.rows():
        if row.status == OK:
            yield from _row_problems(tree.files, row, named)
    for kind in tree.kinds:
        for path in walk(tree.store, kind):
            for one in _inside(tree.files, path) if kind == SHARDS else [path]:
                if _digest(one) not in named:
                    yield Problem(one, "belongs to no row of the manifest")


def _inside(files: TreeFiles, shard: str) -> Iterator[str]:
    """The paths of a shard's members; itself, if it has none or is no shard."""
    try:
        yield from [f"{shard}/{member}" for member in files.table(shard)] or [shard]
    except OSError:
        yield shard


def _row_problems(files: TreeFiles, row: Row, named: set[bytes]) -> Iterator[Problem]:
    for path, sha256, map_row in _files(row):
        named.add(_digest(path))
        shard = shard_of(path)
        if shard:
            named.add(_digest(f"{shard}/{member_name(row.key, 'json')}"))
        what = _file_problem(files, path, map_row, sha256)
        if what:
            yield Problem(path, what)


def _files(row: Row) -> Iterator[tuple[str, str | None, MapRow | None]]:
    """(path, SHA-256, map that it is about) of each file that a row names."""
    for kind, path in row.files.items():
        yield path, row.sha256_files.get(kind), None
    for map_row in row.maps:
        for kind, path in map_row.files.items():
            yield path, map_row.sha256.get(kind), map_row


def _file_problem(
    files: TreeFiles, path: str, map_row: MapRow | None, sha256: str | None
) -> str | None:
    """What is wrong with a file; of kinds that are neither .npy nor .png the digest alone tells."""
    try:
        data = files.read(path)
        if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
            return "differs from its recorded SHA-256"
        if path.endswith(".npy"):
            return _array_problem(data, map_row)
        return _picture_problem(data) if path.endswith(".png") else None
    except OSError as error:
        return f"can't be read: {error.strerror or error}"
    except MemoryError:
        return "does not fit into memory"


def _array_problem(data: bytes, map_row: MapRow | None) -> str | None:
    shape = map_row.shape if map_row else None
    try:
        found = list(decode_map(data, bool(map_row and map_row.signed)).shape)
    except ValueError as error:
        return str(error)
    return None if shape in (None, found) else f"is float32 {found}, not {shape}"


def _picture_problem(data: bytes) -> str | None:
    try:
        if read_header(data).format != "PNG":
            return "can't be decoded: it is no PNG"
        with PngImagePlugin.PngImageFile(io.BytesIO(data)) as picture:
            picture.load()
    except ImageError as error:
        return f"can't be decoded: {error.message}"
    except ON_DAMAGE:
        return "can't be decoded: its pixels are damaged"
    return None


def _digest(path: str) -> bytes:
    """16 bytes for a path, so that the paths of a million files fit into memory."""
    return hashlib.blake2b(os.fsencode(path), digest_size=16).digest()
