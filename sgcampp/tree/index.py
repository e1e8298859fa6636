"""What a manifest says about each key, in a few bytes a row."""

import hashlib
from array import array
from collections.abc import Callable, Iterator
from enum import IntEnum
from functools import partial
from typing import Any, BinaryIO

from sgcampp.storage.store import Store
from sgcampp.tree.manifest import no_row, part_names, scan
from sgcampp.tree.rows import FAILED, OK, Row, check_line, from_line


class Standing(IntEnum):
    """What the row that holds for a key says; NONE if there is none, or its files are gone."""

    NONE = 0
    FAILED = 1
    OK = 2


class ManifestIndex:
    """Where the row that holds for each key lies, over all parts of a manifest.

    One pass over the parts builds it; a key then costs its 16-byte digest and a number in a
    dict and 35 bytes in arrays, whatever the length of the rows. Rows appended later are not
    seen. A context manager, as it keeps the parts open.
    """

    def __init__(
        self,
        store: Store,
        whole: Callable[[dict[str, Any]], bool] = lambda values: True,
    ) -> None:
        """Reads all parts; a tree without a manifest has no rows.

        Args:
            store: the output tree.
            whole: asked about each row with status ok, as JSON values, whether it still holds;
                a row that does not counts as none.

        Raises:
            UserError: at a line that is no row, with file and line number.
        """
        names = part_names(store)
        self._shown = [store.shown(part) for part in names]
        self._slots: dict[bytes, int] = {}
        self._parts = array("H")
        self._offsets = array("Q")
        self._times = array("d")
        self._standing = bytearray()
        self._bytes = array("q")
        self._mtimes = array("q")
        self._files: list[BinaryIO] = []
        try:
            for number, part in enumerate(names):
                self._files.append(store.open_own(part))
                for offset, row in scan(store, part, check_line):
                    standing = (row["status"] == FAILED) + 2 * (row["status"] == OK and whole(row))
                    self._add(number, offset, row, Standing(standing))
        except BaseException:
            self.close()
            raise

    def _add(self, part: int, offset: int, row: dict[str, Any], standing: "Standing") -> None:
        slot = self._slots.setdefault(_digest(row["key"]), len(self))
        finished, size, mtime = row["finished"], row.get("bytes"), row.get("mtime_ns")
        columns = (
            (self._parts, part),
            (self._offsets, offset),
            (self._times, finished),
            (self._standing, standing),
            (self._bytes, -1 if size is None else size),
            (self._mtimes, -1 if mtime is None else mtime),
        )
        if slot == len(self):
            for column, value in columns:
                column.append(value)
        elif finished >= self._times[slot]:
            for column, value in columns:
                column[slot] = value

    def __len__(self) -> int:
        return len(self._standing)

    def __contains__(self, key: str) -> bool:
        return _digest(key) in self._slots

    def standing(self, key: str) -> tuple["Standing", int, int]:
        """What is known of a key: (standing, size and mtime_ns of its image, -1 if unknown)."""
        slot = self._slots.get(_digest(key))
        if slot is None:
            return Standing.NONE, -1, -1
        return Standing(self._standing[slot]), self._bytes[slot], self._mtimes[slot]

    def row(self, key: str) -> Row | None:
        """Reads the row that holds for the key; None if there is none.

        Raises:
            UserError: if a field that the index does not need has another type.
        """
        slot = self._slots.get(_digest(key))
        return None if slot is None else self._read(slot)

    def rows(self) -> Iterator[Row]:
        """Reads the rows that hold, one a key, in the order in which keys first appeared.

        Raises:
            UserError: as `row` does.
        """
        return map(self._read, range(len(self)))

    def values(self) -> Iterator[dict[str, Any]]:
        """Reads what `rows` reads as JSON values, of which `check_line` says what is sure."""
        return map(partial(self._read, read=check_line), range(len(self)))

    def _read(self, slot: int, read: Callable[[bytes], Any] = from_line) -> Any:
        file, offset = self._files[self._parts[slot]], self._offsets[slot]
        file.seek(offset)
        try:
            return read(file.readline())
        except ValueError as error:
            file.seek(0)
            number = file.read(offset).count(b"\n") + 1
            raise no_row(self._shown[self._parts[slot]], number, error) from error

    def close(self) -> None:
        """Closes the parts; `row` and `rows` need them open."""
        for file in self._files:
            file.close()

    def __enter__(self) -> "ManifestIndex":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def read_manifest(store: Store) -> Iterator[Row]:
    """Reads all parts of a tree's manifest lazily; of several rows for one key the latest one.

    Raises:
        UserError: at a line that is no row, with file and line number.
    """
    with ManifestIndex(store) as index:
        yield from index.rows()
