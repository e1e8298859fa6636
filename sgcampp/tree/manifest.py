"""The manifest's parts: append-only, one a process, whole lines only."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sgcampp.errors import UserError
from sgcampp.storage.store import Appender, Store
from sgcampp.tree.paths import MANIFEST
from sgcampp.tree.rows import Row, to_line

_Read = TypeVar("_Read")


class ManifestWriter:
    """Appends rows to one part. Not for several threads, nor for two writers on one part."""

    def __init__(self, appender: Appender) -> None:
        self._appender = appender

    def append(self, rows: Iterable[Row]) -> None:
        """Appends rows and waits until they are safe; call it after their files are.

        Raises:
            OSError: if storage refuses; then none of these rows is left behind.
        """
        data = b"".join(map(to_line, rows))
        if data:
            self._appender.append(data)


@contextmanager
def manifest_writer(store: Store, part: str) -> Iterator[ManifestWriter]:
    """Opens a part, making it if need be; what a crash tore off its last line is dropped.

    Raises:
        UserError: for a link, a directory or a pipe in its place.
        OSError: if it cannot be opened for writing.
    """
    with store.append(part) as appender:
        yield ManifestWriter(appender)


def part_names(store: Store, directory: str = MANIFEST) -> list[str]:
    """The parts of a manifest in the order of their numbers; none where there is no manifest."""
    try:
        names = sorted(entry.name for entry in store.list(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [
        f"{directory}/{name}"
        for name in names
        if name.startswith("part-") and name.endswith(".jsonl")
    ]


def scan(store: Store, part: str, read: Callable[[bytes], _Read]) -> Iterator[tuple[int, _Read]]:
    """Yields (byte offset, what `read` makes of the line) for the whole lines of a part.

    Raises:
        UserError: when `read` raises ValueError, with file and line number; for a part that is
            a link, a directory or a pipe.
    """
    offset = 0
    with store.open_own(part) as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                content = read(line)
            except (ValueError, RecursionError) as error:
                raise no_row(store.shown(part), number, error) from error
            yield offset, content
            offset += len(line)


def no_row(path: str, number: int, error: Exception) -> UserError:
    """The sentence about a line, counted from 1, that is no row."""
    return UserError(
        f"{path}, line {number} is not a manifest row ({error}); remove the line and "
        "its image is explained again"
    )
