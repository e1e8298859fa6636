"""Images in tar files, as WebDataset has them: `tom.jpg`, and `tom.cls` with its class beside it.

A member's bytes are read from where they lie in the file; nothing is unpacked. What tells of a
member is never believed beyond the file's own end.
"""

import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from sgcampp.images.faults import ImageError, Reason, from_os_error
from sgcampp.images.items import Found, Names
from sgcampp.storage.location import Location
from sgcampp.storage.store import Content, Stat, TooLarge, Unreachable

REST = "~rest"
"""Stands in listings for whatever follows where a file is damaged."""
_LONGEST_HEADER = 1 << 20
_LONGEST_LABEL = 1000
TAR_DAMAGE = (tarfile.TarError, OSError, EOFError, ValueError, OverflowError)
"""What `tarfile` says of files that are not as they should be."""
_MOST_AT_ONCE = 1000
"""Images of one sample that wait for its class."""


@dataclass(frozen=True, eq=False)
class Member:
    """A member of a tar file; see `items.Place`. `stat`: its size, and the file's time."""

    file: Location
    start: int
    stat: Stat

    @property
    def near(self) -> bool:
        """See `Place`."""
        return self.file.near

    def read(self, most: int | None = None) -> Content:
        """See `Place`."""
        if most is not None and self.stat.size > most:
            raise TooLarge(self.stat.size)
        data = b""
        if self.stat.size:
            data = self.file.store.read_range(self.file.name, self.start, self.stat.size)
        if len(data) < self.stat.size:
            raise ImageError(Reason.CORRUPT, "the tar file ends within it")
        return Content(data, self.stat)

    def look(self) -> Stat:
        """See `Place`."""
        return self.stat


def tar_items(file: Location, accepts: Callable[[str], bool]) -> Iterator[Found]:
    """Lists the images of a tar file in its order, by the names of its members.

    Args:
        file: not compressed.
        accepts: whether a member of that name is an image.
    """
    names = Names()
    try:
        facts = file.look() or file.store.stat(file.name)
        with file.store.open(file.name) as stream:
            for sample in _samples(stream):
                label = sample.label
                for member in sample.members:
                    name = member.name.removeprefix("./")
                    if accepts(name):
                        yield _found(file, facts, names, name, member, label)
    except Unreachable as error:
        yield Found(REST, error=from_os_error(error))
    except TAR_DAMAGE as error:
        message = f"the tar file is damaged, what follows here is lost: {error}"
        yield Found(REST, error=ImageError(Reason.CORRUPT, message[:300]))


def _found(
    file: Location,
    facts: Stat,
    names: Names,
    name: str,
    member: tarfile.TarInfo,
    label: str | None,
) -> Found:
    fault = names.fault(name)
    if fault:
        return Found(fault[0], error=fault[1])
    if not member.isreg() or member.sparse is not None:
        message = "it is a link, a device or a sparse member of the tar file, not a plain one"
        return Found(name, error=ImageError(Reason.NOT_A_FILE, message))
    stat = Stat(member.size, facts.mtime_ns, (facts.identity, member.offset_data))
    return Found(name, Member(file, member.offset_data, stat), label=label)


@dataclass
class _Sample:
    """Members that follow each other and are called alike up to their extension."""

    stem: str
    members: list[tarfile.TarInfo]
    label: str | None = None


def _samples(stream: BinaryIO) -> Iterator[_Sample]:
    """Yields the samples, the last one before what is damaged included."""
    sample: _Sample | None = None
    members = tar_members(stream)
    while True:
        try:
            member = next(members, None)
        except TAR_DAMAGE:
            if sample:
                yield sample
            raise
        if member is None:
            break
        directory, slash, last = member.name.rpartition("/")
        first, _, extension = last.partition(".")
        stem = f"{directory}{slash}{first}"
        if sample is None or sample.stem != stem or len(sample.members) >= _MOST_AT_ONCE:
            if sample:
                yield sample
            sample = _Sample(stem, [])
        if extension == "cls" and member.isreg() and member.size <= _LONGEST_LABEL:
            stream.seek(member.offset_data)
            sample.label = stream.read(member.size).decode("utf-8", "replace").strip() or None
        else:
            sample.members.append(member)
    if sample:
        yield sample


def tar_members(stream: BinaryIO) -> Iterator[tarfile.TarInfo]:
    """The headers of a tar file; tarfile.ReadError where it is damaged, or no tar file."""
    guarded = _Guarded(stream)
    with tarfile.open(
        fileobj=guarded, mode="r:", encoding="utf-8", errors="surrogateescape"
    ) as archive:
        at = -1
        while member := archive.next():
            if member.size < 0 or member.offset <= at:
                raise tarfile.ReadError("a header leads back")
            at = member.offset
            archive.members.clear()  # type: ignore[attr-defined]  # else all of them are kept
            if not member.isdir():
                yield member
        # `next` takes a damaged header for the end.
        stream.seek(archive.offset)
        if stream.read(tarfile.BLOCKSIZE).strip(b"\0"):
            raise tarfile.ReadError("a header can't be read")


class _Guarded(io.RawIOBase):
    """A file of which only headers are read: more at once would be a lie about their size."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_HEADER:
            raise tarfile.ReadError("a header tells of too many bytes")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()
