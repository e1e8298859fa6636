"""Files that grow where files can only be replaced: a whole one, and numbered parts behind it.

`part.jsonl` is followed by `part.jsonl@00000000000000001234`, which holds what comes after its
first 1234 bytes, and so on. When a writer ends, all of it becomes one file. Whatever a crash leaves
in between tells the same bytes: a part that begins before the end of what came so far is an old
one, and is passed over.
"""

import errno
from collections.abc import Iterator

from sgcampp.storage.store import Store, beside

PART_BYTES = 1 << 20
"""The last part is written again, longer, until it has so many."""
MARK = "@"
LOOKS = 5
"""At a part that changes while it is read."""


def read_grown(store: Store, name: str) -> Iterator[bytes]:
    """The bytes of a file with its parts, while it grows those of some moment.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    data = _read(store, name)
    yield data
    end = len(data)
    for part, start in _parts(store, name):
        if start == end:
            try:
                data = _read(store, part)
            except FileNotFoundError:  # its writer has just made one file of all
                return
            yield data
            end += len(data)


def _read(store: Store, part: str) -> bytes:
    """A part, which its writer may make longer meanwhile."""
    for left in reversed(range(LOOKS)):
        try:
            return store.read(part).data
        except OSError as error:
            if error.errno != errno.ESTALE or not left:
                raise
    raise AssertionError("unreachable code")


def _parts(store: Store, name: str) -> list[tuple[str, int]]:
    """The parts behind a file in order, and the offset of each."""
    found = [(part, part.rpartition(MARK)[2]) for part, _ in beside(store, name, MARK)]
    return [(part, int(offset)) for part, offset in found if offset.isdecimal()]


class Grower:
    """See `store.Appender`. For one writer of a file."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name
        try:
            self._end = self._whole_lines()
        except FileNotFoundError:
            store.write(name, b"")
            self._end = 0
        self._tail, self._start = b"", self._end

    def _whole_lines(self) -> int:
        """The file's length with its parts; what no run would leave behind its last line goes."""
        last, size = self._name, self._store.stat(self._name).size
        end = size
        for part, start in _parts(self._store, self._name):
            if start == end:
                last, size = part, self._store.stat(part).size
                end += size
        if not size or self._store.read_range(last, size - 1, 1) == b"\n":
            return end
        data = b"".join(read_grown(self._store, self._name))
        whole = data[: data.rfind(b"\n") + 1]
        self._store.write(self._name, whole)
        self._remove_parts()
        return len(whole)

    def append(self, data: bytes) -> None:
        """See `store.Appender`."""
        self._store.write(f"{self._name}{MARK}{self._start:020d}", self._tail + data)
        self._tail += data
        self._end += len(data)
        if len(self._tail) >= PART_BYTES:
            self._tail, self._start = b"", self._end

    def join(self) -> None:
        """Makes one file of all parts."""
        if not _parts(self._store, self._name):
            return
        self._store.write(self._name, read_grown(self._store, self._name))
        if self._store.stat(self._name).size != self._end:
            raise OSError(errno.EIO, "another process wrote to it", self._store.shown(self._name))
        self._remove_parts()

    def _remove_parts(self) -> None:
        for part, _ in _parts(self._store, self._name):
            self._store.remove(part)
