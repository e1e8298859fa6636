"""The files and directories that a user names, made absolute and rid of doubles."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sgcampp.errors import UserError

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Source:
    """One file or directory to look into.

    Attributes:
        path: absolute, as named.
        place: its parent with links resolved, its own name kept: where a walk would meet it.
        real: all links resolved.
        is_dir: whether it is a directory.
    """

    path: Path
    place: Path
    real: Path
    is_dir: bool


@dataclass(frozen=True)
class Sources:
    """What to look into.

    Attributes:
        kept: in the order of the bytes of their paths' parts; none is met by another's walk.
        base: the directory that keys are relative to.
        forced: files that the walk of a directory meets and the user named besides, so they
            are images whatever they are called; absolute paths as the walk spells them.
    """

    kept: tuple[Source, ...]
    base: str
    forced: frozenset[str]


def resolve_sources(named: Sequence[PathLike], recursive: bool) -> Sources:
    """Checks what the user named and drops what another source holds already.

    Raises:
        UserError: for no source, or for one that is missing or cannot be listed.
    """
    if not named:
        raise UserError("no source given; name at least one image or directory")
    found = sorted(map(_source, named), key=lambda source: os.fsencode(source.path).split(b"/"))
    by_real: dict[Path, Source] = {}
    for source in found:
        by_real.setdefault(source.real, source)
    kept, forced = [], set()
    for source in by_real.values():
        met = _met_by_a_walk(source, by_real, recursive)
        if met is None:
            kept.append(source)
        elif not source.is_dir:
            forced.add(str(met))
    tops = [source.path if source.is_dir else source.path.parent for source in kept]
    return Sources(tuple(kept), os.path.commonpath(tops), frozenset(forced))


def _source(named: PathLike) -> Source:
    try:
        # absolute() keeps "..", and dropping "link/.." would lose where the link leads.
        path = Path(named).resolve() if ".." in Path(named).parts else Path(named).absolute()
        path.stat()
        if path.is_dir():
            os.scandir(path).close()
        return Source(path, path.parent.resolve() / path.name, path.resolve(), path.is_dir())
    except (OSError, ValueError, RuntimeError) as error:  # a NUL; a circle of links before 3.13
        what = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"source {os.fsdecode(named)!r}: {what}; a source is a readable image or directory"
        ) from error


def _met_by_a_walk(source: Source, by_real: dict[Path, Source], recursive: bool) -> Path | None:
    """Returns the path by which the outermost other source meets this one, or None."""
    for path in (source.place, source.real):
        for parent in reversed(path.parents):
            holder = by_real.get(parent)
            reaches = recursive or (parent == path.parent and not source.is_dir)
            if holder and holder.is_dir and reaches:
                return holder.path / path.relative_to(parent)
    return None
