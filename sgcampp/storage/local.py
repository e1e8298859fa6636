"""The store that is a directory of a local or mounted disk."""

import fcntl
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from sgcampp.storage.atomic import temporaries, whole_file, write_atomically
from sgcampp.storage.regular import open_own, open_regular
from sgcampp.storage.store import Busy, Content, Entry, Stat, TooLarge

_BLOCK = 1 << 16
_GROWTH = 1 << 26  # bytes that a file may grow by while it is read


class LocalStore:
    """A directory; see `store.Store` for the verbs.

    Attributes:
        root: the directory, which need not exist yet.

    Args:
        root: the directory; "" for all files of this machine by their own paths.
        writer: number of this process among those that write here; it marks temporary files.
    """

    near = guarded = True

    def __init__(self, root: str | os.PathLike[str], writer: int = 0) -> None:
        self.root = Path(root)
        self._root = os.fspath(self.root)
        self._prefix = "" if self._root == "." else f"{self._root}/"
        self._writer = writer

    def _path(self, name: str) -> str:
        # A million times: os.path.join takes longer than the rest of a look at a file.
        return f"{self._prefix}{name}" if name else self._root

    def shown(self, name: str = "") -> str:
        """See `Store`."""
        return os.fspath(self.root / name)

    def list(self, directory: str) -> Iterator[Entry]:
        """See `Store`."""
        with os.scandir(self._path(directory)) as entries:
            for entry in entries:
                yield Entry(entry.name, _leads_to_directory(entry))

    def stat(self, name: str) -> Stat:
        """See `Store`."""
        return _facts(os.stat(self._path(name)))  # noqa: PTH116 - a million times

    def is_directory(self, name: str) -> bool:
        """See `Store`."""
        return stat.S_ISDIR(os.stat(self._path(name)).st_mode)  # noqa: PTH116

    def exists(self, name: str) -> bool:
        """See `Store`."""
        return os.path.exists(self._path(name))  # noqa: PTH110 - a million times

    def read(self, name: str, most: int | None = None, known: Stat | None = None) -> Content:
        """See `Store`."""
        with open_regular(self._path(name)) as file:
            facts = _facts(os.fstat(file.fileno()))
            if most is None:
                return Content(file.read(), facts)
            if facts.size > most:
                raise TooLarge(facts.size)
            # `read` takes the memory first.
            return Content(file.read(min(most, facts.size + _GROWTH)), facts)

    def read_range(self, name: str, start: int, size: int) -> bytes:
        """See `Store`."""
        with open_regular(self._path(name)) as file:
            file.seek(start)
            return file.read(size)

    def open(self, name: str) -> BinaryIO:
        """See `Store`."""
        return open_regular(self._path(name))

    def open_own(self, name: str) -> BinaryIO:
        """See `Store`."""
        return open_own(self._path(name), "rb")

    def write(self, name: str, data: bytes | Iterable[bytes]) -> None:
        """See `Store`."""
        write_atomically(self._path(name), data, self._writer)

    def create(self, name: str) -> AbstractContextManager[BinaryIO]:
        """See `Store`."""
        return whole_file(self._path(name), self._writer)

    @contextmanager
    def append(self, name: str) -> Iterator["_Appender"]:
        """See `Store`."""
        path = Path(self._path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_own(path, "a+b", buffering=0) as file:
            file.truncate(_end_of_last_line(file.fileno()))
            yield _Appender(file)

    def remove(self, name: str) -> None:
        """See `Store`."""
        path = Path(self._path(name))
        if path.is_dir() and not path.is_symlink():
            if not any(os.scandir(path)):
                path.rmdir()
        else:
            path.unlink(missing_ok=True)

    def remove_leftovers(self, directory: str, writer: int | None = None) -> int:
        """See `Store`."""
        found = list(temporaries(Path(self._path(directory)), writer))
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    @contextmanager
    def lock(
        self, name: str, *, shared: bool = False, wait: bool = False, make: bool = True
    ) -> Iterator["_Held"]:
        """See `Store`."""
        path = Path(self._path(name))
        if make:
            path.parent.mkdir(parents=True, exist_ok=True)
        with open_own(path, "ab" if make else "rb") as file:
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            if wait:
                fcntl.flock(file, kind)
            elif not _taken(file, kind):
                raise Busy(name)
            yield _Held(file)


class _Appender:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def append(self, data: bytes) -> None:
        """See `store.Appender`."""
        left = memoryview(data)
        before = os.fstat(self._file.fileno()).st_size
        try:
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except BaseException:
            self._file.truncate(before)
            raise


class _Held:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def mark(self, text: bytes) -> None:
        """See `store.Held`."""
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()


def _leads_to_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that cannot be followed; reading it says why
        return False


def _facts(status: os.stat_result) -> Stat:
    return Stat(status.st_size, status.st_mtime_ns, (status.st_dev, status.st_ino))


def _end_of_last_line(descriptor: int) -> int:
    """Returns the length of the file without what follows its last newline."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - _BLOCK)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _taken(file: BinaryIO, kind: int) -> bool:
    for attempt in range(3):  # a look of another process may hold it for an instant
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02 * attempt)
        else:
            return True
    return False
