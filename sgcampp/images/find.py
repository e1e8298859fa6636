"""Images below directories and in archives, one at a time, in the same order everywhere."""

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from urllib.parse import quote

from sgcampp.errors import UserError
from sgcampp.images.faults import ImageError, Reason, from_os_error
from sgcampp.images.items import Found, is_plain
from sgcampp.images.list_files import list_items
from sgcampp.images.names import is_image_name
from sgcampp.images.sources import Kind, PathLike, Source, Sources, resolve_sources
from sgcampp.images.tar_files import tar_items
from sgcampp.storage.location import Location, locate
from sgcampp.storage.store import Stat


@dataclass(frozen=True)
class _Level:
    """A directory on the way down."""

    path: str
    identity: Hashable
    names: list[bytes]  # still to visit, the next one last
    directories: frozenset[bytes]  # those of them that are directories
    facts: dict[bytes, Stat]  # of those about which the listing told


def find_images(
    sources: Sequence[PathLike] | Sources,
    glob: Sequence[str] = (),
    recursive: bool = True,
    exclude: Sequence[PathLike] = (),
    filled: Sequence[str] = (),
) -> Iterator[Found]:
    """Lists images lazily: depth first, each directory in the order of its names' bytes.

    Memory is the names in the directories from the base down to the current one. Links to
    files and directories are followed; a link to a directory that contains it is reported and
    not entered. Directories that cannot be listed, or that are called like an image (these are
    walked all the same), come as `Found` with an error. Tar, Parquet and list files that are
    sources themselves are listed in their own order, as directories of their names would be.

    Args:
        sources: files, taken whatever their extension, and directories; as named, or resolved.
            Keys are relative to the directory, or to the common parent of several sources. What
            two sources name comes once.
        glob: shell patterns; the key or the last part of it must match one of them. They
            replace the filter by extension.
        recursive: whether to enter directories below the sources.
        exclude: output trees. They are never entered, nor are the directories that a run fills
            in them, by whatever link; sources of their own may lie below them.
        filled: the names of those directories.

    Raises:
        UserError: at once, for no source, for one that is missing or cannot be listed, or for one
            that is an output tree.
    """
    resolved = sources if isinstance(sources, Sources) else resolve_sources(sources, recursive)
    places = [locate(path) for path in exclude]
    trees = frozenset(place.identity for place in places)
    for source in resolved.kept:
        if source.location.identity in trees:
            raise UserError(
                f"{source.location.shown} is the source and the output directory at once: name "
                "another output directory"
            )
    inside = frozenset(place.below(name).identity for place in places for name in filled)
    rules = _Rules(resolved, tuple(glob), recursive, trees, inside)
    return (found for source in resolved.kept for found in _listed(source, rules))


@dataclass(frozen=True)
class _Rules:
    """What a listing goes by."""

    sources: Sources
    glob: tuple[str, ...]
    recursive: bool
    trees: frozenset[Hashable]
    filled: frozenset[Hashable]


def _listed(source: Source, rules: _Rules) -> Iterator[Found]:
    prefix = rules.sources.prefix(source)
    if source.kind is Kind.FILE:
        yield Found(prefix or ".", source.location)
    elif source.kind is Kind.DIRECTORY:
        yield from _Walk(source, rules, prefix).run()
    else:

        def accepts(name: str) -> bool:
            named = source.kind is not Kind.TAR and not rules.glob
            return named or _matches(f"{prefix}/{name}".lstrip("/"), rules.glob)

        for found in _ITEMS[source.kind](source.location, accepts):
            yield replace(found, key=f"{prefix}/{found.key}") if prefix else found


def _parquet_items(file: Location, accepts: Callable[[str], bool]) -> Iterator[Found]:
    from sgcampp.images.parquet_files import parquet_items

    return parquet_items(file, accepts)


_ITEMS = {Kind.TAR: tar_items, Kind.PARQUET: _parquet_items, Kind.LIST: list_items}


def _matches(key: str, glob: Sequence[str]) -> bool:
    if not glob:
        return is_image_name(key)
    names = key, key.rpartition("/")[2]
    return any(fnmatchcase(name, pattern) for name in names for pattern in glob)


class _Walk:
    """The listing of one directory."""

    def __init__(self, source: Source, rules: _Rules, prefix: str) -> None:
        self._rules, self._prefix = rules, prefix
        self._top, self._store = source.location.name, source.location.store
        self._levels: list[_Level] = []  # our own stack: trees can be deeper than Python recurses

    def run(self) -> Iterator[Found]:
        yield from self._enter(self._top)
        while self._levels:
            level = self._levels[-1]
            if not level.names:
                self._levels.pop()
                continue
            name = level.names.pop()
            path = level.path + "/" + os.fsdecode(name)
            if name not in level.directories:
                yield self._found(path, facts=level.facts.get(name))
                continue
            if is_image_name(path) and self._accepts(path):
                yield self._found(path, ImageError(Reason.IS_A_DIRECTORY, "it is a directory"))
            if self._rules.recursive:
                yield from self._enter(path)

    def _enter(self, path: str) -> Iterator[Found]:
        """Pushes a directory on the stack, or yields why it cannot be listed."""
        try:
            identity = self._store.stat(path).identity if self._store.near else path
            if any(level.identity == identity for level in self._levels):
                message = "this link leads to a directory that contains it"
                yield self._found(path, ImageError(Reason.LINK_LOOP, message))
            elif not self._is_output(path):
                self._levels.append(_Level(path, identity, *self._list(path)))
        except OSError as error:
            yield self._found(path, from_os_error(error))

    def _is_output(self, path: str) -> bool:
        trees, filled = self._rules.trees, self._rules.filled
        if not trees:
            return False
        real = str(Location(self._store, path).identity)
        parents = (real[:end] for end, letter in enumerate(real) if letter == "/")
        return real in trees or not filled.isdisjoint([real, *parents])

    def _list(self, path: str) -> tuple[list[bytes], frozenset[bytes], dict[bytes, Stat]]:
        """Returns the names to visit, last one first, which are directories, and facts."""
        names, directories, facts = [], set(), {}
        for entry in self._store.list(path):
            name = os.fsencode(entry.name)
            if entry.is_directory:
                directories.add(name)
            elif not self._accepts(path + "/" + entry.name):
                continue
            if entry.stat is not None:
                facts[name] = entry.stat
            names.append(name)
        return sorted(names, reverse=True), frozenset(directories), facts

    def _accepts(self, path: str) -> bool:
        return path in self._rules.sources.forced or _matches(self._key(path), self._rules.glob)

    def _key(self, path: str) -> str:
        below = path[len(self._top) :].strip("/")
        return f"{self._prefix}/{below}".strip("/") or "."

    def _found(
        self, path: str, error: ImageError | None = None, facts: Stat | None = None
    ) -> Found:
        key = self._key(path)
        if not self._store.near and not is_plain(key) and key != ".":
            safe = quote(key, safe="", errors="surrogateescape").replace(".", "%2E")
            message = "its name has parts that lead elsewhere"
            return Found(safe, error=ImageError(Reason.BAD_NAME, message))
        return Found(key, None if error else Location(self._store, path, facts), error)
