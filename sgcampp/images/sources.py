"""The files, directories and archives that a user names, made absolute and rid of doubles."""

import itertools
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePath, PurePosixPath
from urllib.parse import urlsplit

from sgcampp.errors import UserError
from sgcampp.storage.location import LOCAL, Location, locate
from sgcampp.storage.store import UNKNOWN
from sgcampp.storage.urls import is_url, redacted

PathLike = str | os.PathLike[str]

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_MOST_OF_A_RANGE = 1_000_000


class Kind(Enum):
    """What a source is; the last ones hold images, as a directory does."""

    FILE = "file"
    DIRECTORY = "directory"
    TAR = "tar"
    PARQUET = "parquet"
    LIST = "list"


_KINDS = {
    "tar": Kind.TAR,
    "parquet": Kind.PARQUET,
    **dict.fromkeys(("txt", "csv", "jsonl"), Kind.LIST),
}


@dataclass(frozen=True)
class Source:
    """One thing to look into.

    Attributes:
        location: where it is.
        path: absolute, as named; of a URL, its parts below its scheme.
        place: its parent with links resolved, its own name kept: where a walk would meet it.
        real: all links resolved.
        kind: what it is.
    """

    location: Location
    path: PurePath
    place: PurePath
    real: PurePath
    kind: Kind

    @property
    def is_dir(self) -> bool:
        """Whether a walk goes on below it."""
        return self.kind is Kind.DIRECTORY


@dataclass(frozen=True)
class Sources:
    """What to look into.

    Attributes:
        kept: in the order of the bytes of their paths' parts; none is met by another's walk.
        base: what keys are relative to, as `Source.path` has it; "" if the sources have nothing
            in common.
        forced: files that the walk of a directory meets and the user named besides, so they
            are images whatever they are called; names in their store as the walk spells them.
    """

    kept: tuple[Source, ...]
    base: str
    forced: frozenset[str]

    @property
    def shown_base(self) -> str:
        """The base as a user would write it."""
        return self.base if self.base.startswith("/") else self.base.replace(":/", "://", 1)

    def prefix(self, source: Source) -> str:
        """What the keys of the images in a source begin with."""
        return str(source.path)[len(self.base) :].strip("/")


def resolve_sources(named: Sequence[PathLike], recursive: bool) -> Sources:
    """Checks what the user named and drops what another source holds already.

    Raises:
        UserError: for no source, or for one that is missing or cannot be listed.
    """
    if not named:
        raise UserError("no source given; name at least one image or directory")
    every = itertools.chain.from_iterable(map(_expanded, named))
    found = sorted(map(_source, every), key=lambda source: os.fsencode(source.path).split(b"/"))
    by_real: dict[PurePath, Source] = {}
    for source in found:
        by_real.setdefault(source.real, source)
    kept, forced = [], set()
    for source in by_real.values():
        met = _met_by_a_walk(source, by_real, recursive)
        if met is None:
            kept.append(source)
        elif source.kind is Kind.FILE:
            forced.add(met)
    tops = [source.path.parent if source.kind is Kind.FILE else source.path for source in kept]
    return Sources(tuple(kept), _common(tops), frozenset(forced))


def _common(tops: Sequence[PurePath]) -> str:
    if len({path.is_absolute() for path in tops}) > 1:
        return ""  # some here, some elsewhere
    return os.path.commonpath(tops)


def _expanded(named: PathLike) -> Iterator[PathLike]:
    """`photos-{000..099}.tar` as its hundred names, unless a file is called so."""
    text = os.fspath(named)
    ranges = _RANGE.findall(text) if isinstance(text, str) else []
    if not ranges or (not is_url(text) and Path(text).exists()):
        yield named
        return
    numbers = [range(int(first), int(last) + 1) for first, last in ranges]
    count = 1
    for each in numbers:
        count *= len(each)
    if not 1 <= count <= _MOST_OF_A_RANGE:
        raise UserError(f"source {redacted(text)!r}: stands for {count} files, accepted: 1 to 10^6")
    widths = [len(first) for first, _ in ranges]
    for values in itertools.product(*numbers):
        words = iter(f"{value:0{width}d}" for value, width in zip(values, widths, strict=True))
        yield _RANGE.sub(lambda _, words=words: next(words), text)  # type: ignore[misc]


def _source(named: PathLike) -> Source:
    try:
        if is_url(named):
            location = locate(named)
            if location.store is not LOCAL:
                return _remote_source(os.fspath(named), location)
            named = location.name
        return _local_source(Path(named))
    except (OSError, ValueError, RuntimeError) as error:  # a NUL; a circle of links before 3.13
        if isinstance(error, UserError):
            raise
        what = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"source {redacted(os.fsdecode(named))!r}: {what}; a source is a readable image, "
            "directory, tar, Parquet or list file"
        ) from error


def _local_source(named: Path) -> Source:
    # absolute() keeps "..", and dropping "link/.." would lose where the link leads.
    path = named.resolve() if ".." in named.parts else named.absolute()
    path.stat()
    if path.is_dir():
        os.scandir(path).close()
    kind = Kind.DIRECTORY if path.is_dir() else _kind(path.name)
    place = path.parent.resolve() / path.name
    return Source(Location(LOCAL, str(path)), path, place, path.resolve(), kind)


def _remote_source(url: str, location: Location) -> Source:
    if location.store.is_directory(location.name):
        kind = Kind.DIRECTORY
    else:
        facts = location.store.stat(location.name)
        location = Location(location.store, location.name, facts if facts.size != UNKNOWN else None)
        kind = _kind(location.last)
    parts = urlsplit(redacted(url))
    path = PurePosixPath(f"{parts.scheme}:", parts.netloc, parts.path.strip("/"))
    return Source(location, path, path, path, kind)


def _kind(name: str) -> Kind:
    return _KINDS.get(name.rpartition(".")[2].lower(), Kind.FILE)


def _met_by_a_walk(source: Source, by_real: dict[PurePath, Source], recursive: bool) -> str | None:
    """Returns the name by which the outermost other source meets this one, or None."""
    if source.kind not in (Kind.FILE, Kind.DIRECTORY):
        return None  # a walk passes it over
    for path in (source.place, source.real):
        for parent in reversed(path.parents):
            holder = by_real.get(parent)
            reaches = recursive or (parent == path.parent and not source.is_dir)
            if holder and holder.is_dir and reaches:
                return holder.location.below(str(path.relative_to(parent))).name
    return None
