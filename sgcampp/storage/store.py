"""What storage must be able to do; tests/storage_contract.py is what any store is held against.

Names are paths with "/" between their parts, relative to the store's root. Bytes of names that are
not UTF-8 stand as lone surrogates (os.fsdecode). Whatever is wrong comes as an OSError with the
errno that the operating system would use: ENOENT, EISDIR, EACCES, ENOSPC, …
"""

import posixpath
from collections.abc import Hashable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, NamedTuple, Protocol

UNKNOWN = -1


class Stat(NamedTuple):
    """Facts about a file or directory.

    Attributes:
        size: in bytes, or UNKNOWN.
        mtime_ns: its modification time; 0 where the store knows none.
        identity: the same for two names only if they lead to the same thing.
    """

    size: int
    mtime_ns: int
    identity: Hashable


class Entry(NamedTuple):
    """One name in a directory; a link to a directory is one. `stat`: if listing tells it anyway."""

    name: str
    is_directory: bool
    stat: Stat | None = None


class Content(NamedTuple):
    """A file's bytes, and its facts when it was opened."""

    data: bytes
    stat: Stat


class TooLarge(Exception):
    """A file has more bytes than the reader accepts. `size`: how many."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes")
        self.size = size


class Busy(Exception):
    """Somebody else holds the lock."""


class Unreachable(OSError):
    """A store did not answer, or not well, however often it was asked."""


class Appender(Protocol):
    """A file that grows by whole lines; what a crash tore off the last one is gone on opening."""

    def append(self, data: bytes) -> None:
        """Appends lines and waits until they are safe; OSError if refused, and none is there."""


class Held(Protocol):
    """A lock that is held. It is free when its holder ends, however that ends."""

    def mark(self, text: bytes) -> None:
        """Sets the lock's content, which stays if the holder dies; `stat` and `read` tell it."""


class Store(Protocol):
    """Storage below one root.

    Attributes:
        near: whether a request costs next to nothing, as on a disk of this machine.
        guarded: whether locks keep others out.
    """

    near: bool
    guarded: bool

    def shown(self, name: str = "") -> str:
        """A name, or the root, as the user would write it."""

    def list(self, directory: str) -> Iterator[Entry]:
        """What is in a directory, in any order; one that does not exist is an OSError."""

    def stat(self, name: str) -> Stat:
        """Facts about a name, links followed."""

    def is_directory(self, name: str) -> bool:
        """Whether there is a directory of that name, links followed; OSError for nothing."""

    def exists(self, name: str) -> bool:
        """Whether there is such a file or directory."""

    def read(self, name: str, most: int | None = None, known: Stat | None = None) -> Content:
        """A file whole; TooLarge for more than `most` bytes. Nothing but a file is waited on.

        Args:
            name: of the file.
            most: bytes.
            known: what a listing told about it, which may spare asking again.
        """

    def read_range(self, name: str, start: int, size: int) -> bytes:
        """A piece of a file; less than `size` bytes only where the file ends."""

    def open(self, name: str) -> BinaryIO:
        """A file to read from any place."""

    def open_own(self, name: str) -> BinaryIO:
        """A file that `append` or `lock` made, to read often; UserError for what is no such one."""

    def write(self, name: str, data: bytes | Iterable[bytes]) -> None:
        """Makes or replaces a file: whole or, after an OSError, not at all."""

    def create(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A file to write from its start to its end; it is there once it is left without error."""

    def append(self, name: str) -> AbstractContextManager[Appender]:
        """Opens a file to append to, and makes it if need be."""

    def remove(self, name: str) -> None:
        """Removes a file, or a directory that is empty; one that is not there is fine."""

    def remove_leftovers(self, directory: str, writer: int | None = None) -> int:
        """Removes what dead writers left unfinished below a directory; tells how many there were.

        Only for the holder of the lock: of that `writer`, or of all when it is None.
        """

    def lock(
        self, name: str, *, shared: bool = False, wait: bool = False, make: bool = True
    ) -> AbstractContextManager[Held]:
        """Holds a lock; Busy if somebody else does and this shall not `wait`.

        Args:
            name: of the lock's file.
            shared: whether other shared holders may have it too.
            wait: for the other holders to end.
            make: whether to make the file; else it must be there, and is only looked at.
        """


def walk(store: Store, directory: str) -> Iterator[str]:
    """The names of all files below a directory; none where there is no such directory."""
    try:
        entries = list(store.list(directory))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        name = posixpath.join(directory, entry.name)
        if entry.is_directory:
            yield from walk(store, name)
        else:
            yield name


def beside(store: Store, name: str, mark: str) -> list[tuple[str, Stat | None]]:
    """Files that are called like another with a mark and more behind: (name, facts), in order."""
    directory, last = posixpath.split(name)
    try:
        entries = [one for one in store.list(directory) if one.name.startswith(last + mark)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted((posixpath.join(directory, one.name), one.stat) for one in entries)
