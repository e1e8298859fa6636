"""An image to explain: its key, and how to open it, whatever holds it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from sgcampp.images.faults import ImageError, Reason
from sgcampp.storage.store import Content, Stat


class Place(Protocol):
    """Where an image's bytes are: a file, or a piece of one."""

    @property
    def near(self) -> bool:
        """Whether reading it again costs next to nothing."""

    def read(self, most: int | None = None) -> Content:
        """All of it.

        Raises:
            TooLarge: for more than `most` bytes.
            OSError: if it can't be read.
            ImageError: if it is not there as it should be.
        """

    def look(self) -> Stat | None:
        """Facts that tell whether it has changed; None where to ask would cost a request.

        Raises:
            OSError: if it can't be looked at.
        """


@dataclass(frozen=True)
class Found:
    """An image to explain, or a place in the listing that cannot be one.

    Attributes:
        key: path relative to the base with "/" between the parts; names everything written
            about this image. Bytes that are not UTF-8 stand as lone surrogates (os.fsdecode).
        place: where to read it; None if there is an error.
        error: set when it is known already that nothing can be read here.
        label: the class that its source names for it, if any.
    """

    key: str
    place: Place | None = None
    error: ImageError | None = None
    label: str | None = None


class Names:
    """Makes names of what a file holds: plain relative paths, none twice.

    16 bytes and what a set takes are kept of each.
    """

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._doubles = 0

    def fault(self, name: str) -> tuple[str, ImageError] | None:
        """A name to list instead and what is wrong with this one; None if it is fine."""
        if not is_plain(name):
            safe = quote(name, safe="", errors="surrogateescape").replace(".", "%2E")
            error = ImageError(Reason.BAD_NAME, "its name is absolute, empty or leads elsewhere")
            return next(self._numbered(safe)), error
        if self.add(name):
            return None
        error = ImageError(Reason.DUPLICATE, "its name stands there before: that one is taken")
        return next(self._numbered(name)), error

    def add(self, name: str) -> bool:
        """Notes a name; whether it is new."""
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        new = digest not in self._seen
        self._seen.add(digest)
        return new

    def _numbered(self, name: str) -> Iterator[str]:
        while True:
            self._doubles += 1
            numbered = f"{name}~{self._doubles:05d}"
            if self.add(numbered):
                yield numbered


def is_plain(name: str) -> bool:
    """Whether a name is a relative path that leads nowhere else."""
    return "\0" not in name and not any(part in ("", ".", "..") for part in name.split("/"))
