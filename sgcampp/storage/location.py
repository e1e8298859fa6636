"""Places that a user names: paths of this machine, and URLs of stores elsewhere."""

import os
import shutil
import tempfile
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sgcampp.errors import UserError
from sgcampp.storage.local import LocalStore
from sgcampp.storage.store import Content, Stat, Store
from sgcampp.storage.urls import is_url, redacted

Named = str | os.PathLike[str]

LOCAL = LocalStore("")
"""The files of this machine, by absolute paths or from the working directory."""


@dataclass(frozen=True, eq=False)
class Location:
    """A file or directory, there or not.

    Attributes:
        store: where it lies.
        name: in that store.
        known: what a listing told of it.
    """

    store: Store
    name: str
    known: Stat | None = None

    @property
    def near(self) -> bool:
        """Whether reading it again costs next to nothing."""
        return self.store.near

    @property
    def shown(self) -> str:
        """As a user would write it, without secrets."""
        return self.store.shown(self.name)

    @property
    def last(self) -> str:
        """The last part of its name."""
        return self.name.rstrip("/").rpartition("/")[2]

    def below(self, name: str) -> "Location":
        """What lies in it."""
        return Location(self.store, f"{self.name}/{name}" if self.name else name)

    def read(self, most: int | None = None) -> Content:
        """See `Store.read`."""
        return self.store.read(self.name, most, self.known)

    def write(self, data: bytes | Iterable[bytes]) -> None:
        """See `Store.write`."""
        self.store.write(self.name, data)

    def look(self) -> Stat | None:
        """Facts that tell whether it has changed; None where to ask would cost a request.

        Raises:
            OSError: if it can't be looked at.
        """
        if self.known is not None or not self.store.near:
            return self.known
        return self.store.stat(self.name)

    @property
    def identity(self) -> Hashable:
        """The same for two names of one thing, which need not exist: links are followed."""
        if isinstance(self.store, LocalStore):
            return os.path.realpath(self.store.shown(self.name))
        return self.shown


def locate(named: Named) -> Location:
    """The place that a path or a URL names.

    Raises:
        UserError: for a URL of a kind that is not known, or whose package is not there.
    """
    if not is_url(named):
        return Location(LOCAL, os.fspath(named))
    text = os.fspath(named)
    if text.startswith("file://"):
        return Location(LOCAL, unquote(urlsplit(text).path))
    from sgcampp.storage.remote import RemoteStore, opened

    system, path = opened(text)
    return Location(RemoteStore(system), path)


def store_at(named: Named, writer: int = 0) -> Store:
    """The store whose root is the directory that a path or a URL names.

    Args:
        named: path or URL.
        writer: number of this process among those that write there.

    Raises:
        UserError: as `locate` does.
    """
    if not is_url(named) or os.fspath(named).startswith("file://"):
        return LocalStore(locate(named).name, writer)
    from sgcampp.storage.remote import RemoteStore, opened

    return RemoteStore(*opened(os.fspath(named)))


def read_named(named: Named, what: str = "") -> bytes:
    """A file that a user named, whole.

    Args:
        named: path or URL.
        what: it is, for errors, such as "target file"; "" for what its name tells.

    Raises:
        UserError: if it can't be read.
    """
    try:
        # A path may be a pipe here, as the shell's <(command) is.
        return locate(named).read().data if is_url(named) else Path(named).read_bytes()
    except OSError as error:
        shown = redacted(os.fsdecode(named))
        subject = f"{what} {shown}" if what else f"{shown}:"
        raise UserError(f"{subject} can't be read: {error.strerror or error}") from error


@contextmanager
def on_this_machine(named: Named) -> Iterator[Path]:
    """A file that a user named, or a copy of it, gone afterwards; errors tell it as it was named.

    Raises:
        UserError: if it can't be read.
    """
    if not is_url(named):
        yield Path(named)
        return
    place = locate(named)
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory, place.last)
        try:
            with place.store.open(place.name) as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 22)
            yield copy
        except OSError as error:
            raise UserError(f"{place.shown} can't be read: {error.strerror or error}") from error
        except UserError as error:
            raise UserError(str(error).replace(str(copy), place.shown)) from error
