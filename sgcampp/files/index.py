"""What a manifest says about each key, in a few bytes a row."""

import hashlib
import os
from array import array
from collections.abc import Iterator
from typing import BinaryIO

from sgcampp.files.manifest import parts, scan
from sgcampp.files.rows import OK, Row, check_line, from_line


class ManifestIndex:
    """Where the row that holds for each key lies, over all parts of a manifest.

    One pass over the parts builds it; a key then costs its 16-byte digest and a number in a
    dict and 19 bytes in arrays, whatever the length of the rows. Rows appended later are not
    seen. A context manager, as it keeps the parts open.
    """

    def __init__(self, manifest_dir: str | os.PathLike[str]) -> None:
        """Reads all parts; a directory that does not exist has no rows.

        Raises:
            UserError: at a line that is no row, with file and line number.
        """
        self._slots: dict[bytes, int] = {}
        self._parts = array("H")
        self._offsets = array("Q")
        self._times = array("d")
        self._ok = bytearray()
        self._files: list[BinaryIO] = []
        try:
            for number, path in enumerate(parts(manifest_dir)):
                self._files.append(path.open("rb"))
                for offset, row in scan(path, check_line):
                    self._add(number, offset, row["key"], row["finished"], row["status"] == OK)
        except BaseException:
            self.close()
            raise

    def _add(self, part: int, offset: int, key: str, finished: float, ok: bool) -> None:
        slot = self._slots.setdefault(_digest(key), len(self._ok))
        if slot == len(self._ok):
            self._parts.append(part)
            self._offsets.append(offset)
            self._times.append(finished)
            self._ok.append(ok)
        elif finished >= self._times[slot]:
            self._parts[slot] = part
            self._offsets[slot] = offset
            self._times[slot] = finished
            self._ok[slot] = ok

    def __len__(self) -> int:
        return len(self._ok)

    def __contains__(self, key: str) -> bool:
        return _digest(key) in self._slots

    def is_ok(self, key: str) -> bool:
        """Returns whether the row that holds for the key has status ok."""
        slot = self._slots.get(_digest(key))
        return slot is not None and bool(self._ok[slot])

    def count_ok(self) -> int:
        """Returns how many keys hold a row with status ok."""
        return sum(self._ok)

    def row(self, key: str) -> Row | None:
        """Reads the row that holds for the key; None if there is none."""
        slot = self._slots.get(_digest(key))
        return None if slot is None else self._read(slot)

    def rows(self) -> Iterator[Row]:
        """Reads the rows that hold, one a key, in the order in which keys first appeared."""
        return map(self._read, range(len(self)))

    def _read(self, slot: int) -> Row:
        file = self._files[self._parts[slot]]
        file.seek(self._offsets[slot])
        return from_line(file.readline())

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


def read_manifest(manifest_dir: str | os.PathLike[str]) -> Iterator[Row]:
    """Reads all parts of a manifest lazily; of several rows for one key the latest one.

    Raises:
        UserError: at a line that is no row, with file and line number.
    """
    with ManifestIndex(manifest_dir) as index:
        yield from index.rows()
