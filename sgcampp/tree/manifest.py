"""The manifest's files: append-only, one part a process, whole lines only."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from sgcampp.errors import UserError
from sgcampp.tree.regular import open_own
from sgcampp.tree.rows import Row, from_line, to_line

_BLOCK = 1 << 16
_Read = TypeVar("_Read")


class ManifestWriter:
    """Appends rows to one part; what a crash tore off the last line is dropped on opening.

    Not for several threads, nor for two writers on one part. A context manager.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Opens the part, creating it and its directory.

        Raises:
            UserError: for a link, a directory or a pipe in its place.
            OSError: if it cannot be opened for writing.
        """
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._file = open_own(path, "a+b", buffering=0)
        self._file.truncate(_end_of_last_line(self._file.fileno()))

    def append(self, rows: Iterable[Row]) -> None:
        """Appends rows and waits until they are on the disk; call it after their files are.

        Raises:
            OSError: if the disk refuses; then none of these rows is left behind.
        """
        data = memoryview(b"".join(map(to_line, rows)))
        if not data:
            return
        before = os.fstat(self._file.fileno()).st_size
        try:
            while data:
                data = data[self._file.write(data) :]
            os.fsync(self._file.fileno())
        except BaseException:
            self._file.truncate(before)
            raise

    def close(self) -> None:
        """Closes the part; further calls do nothing."""
        self._file.close()

    def __enter__(self) -> "ManifestWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


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


def parts(manifest_dir: str | os.PathLike[str]) -> list[Path]:
    """Returns the parts of a manifest in the order of their numbers."""
    return sorted(Path(manifest_dir).glob("part-*.jsonl"))


def read_rows(path: str | os.PathLike[str]) -> Iterator[Row]:
    """Reads one part lazily, in the order of writing; a torn last line is left out.

    Raises:
        UserError: at a line that is no row, with file and line number.
    """
    return (row for _, row in scan(path, from_line))


def scan(
    path: str | os.PathLike[str], read: Callable[[bytes], _Read]
) -> Iterator[tuple[int, _Read]]:
    """Yields (byte offset, what `read` makes of the line) for the whole lines of a part.

    Raises:
        UserError: when `read` raises ValueError, with file and line number; for a part that is
            a link, a directory or a pipe.
    """
    offset = 0
    with open_own(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                content = read(line)
            except (ValueError, RecursionError) as error:
                raise no_row(path, number, error) from error
            yield offset, content
            offset += len(line)


def no_row(path: str | os.PathLike[str], number: int, error: Exception) -> UserError:
    """The sentence about a line, counted from 1, that is no row."""
    return UserError(
        f"{os.fsdecode(path)}, line {number} is not a manifest row ({error}); remove the line and "
        "its image is explained again"
    )
