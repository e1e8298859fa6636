"""Image files below directories, one at a time, in the same order everywhere."""

import os
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from sgcampp.errors import UserError
from sgcampp.images.faults import ImageError, Reason, from_os_error
from sgcampp.images.names import is_image_name
from sgcampp.images.sources import PathLike, Sources, resolve_sources
from sgcampp.storage.local import LocalStore


@dataclass(frozen=True)
class Found:
    """An image to explain, or a place in the listing that cannot be one.

    Attributes:
        key: path relative to the base with "/" between the parts; names everything written
            about this image. Bytes that are not UTF-8 stand as lone surrogates (os.fsdecode).
        path: where to read it.
        error: set when it is known already that nothing can be read here.
    """

    key: str
    path: Path
    error: ImageError | None = None


@dataclass(frozen=True)
class _Level:
    """A directory on the way down."""

    path: str
    identity: Hashable
    names: list[bytes]  # still to visit, the next one last
    directories: frozenset[bytes]  # those of them that are directories


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
    walked all the same), come as `Found` with an error.

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
    trees = frozenset(Path(path).resolve() for path in exclude)
    for source in resolved.kept:
        if source.real in trees:
            raise UserError(
                f"{source.path} is the source and the output directory at once: name another "
                "output directory"
            )
    inside = frozenset((tree / name).resolve() for tree in trees for name in filled)
    return _Walk(resolved, glob, recursive, trees, inside).run()


class _Walk:
    """One listing and its rules."""

    def __init__(
        self,
        sources: Sources,
        glob: Sequence[str],
        recursive: bool,
        trees: frozenset[Path],
        filled: frozenset[Path],
    ) -> None:
        self._sources = sources
        self._glob = tuple(glob)
        self._recursive = recursive
        self._trees = trees
        self._filled = filled
        self._store = LocalStore("")
        self._levels: list[_Level] = []  # our own stack: trees can be deeper than Python recurses

    def run(self) -> Iterator[Found]:
        for source in self._sources.kept:
            if source.is_dir:
                yield from self._below(str(source.path))
            else:
                yield self._found(str(source.path))

    def _below(self, top: str) -> Iterator[Found]:
        yield from self._enter(top)
        while self._levels:
            level = self._levels[-1]
            if not level.names:
                self._levels.pop()
                continue
            name = level.names.pop()
            path = level.path + "/" + os.fsdecode(name)
            if name not in level.directories:
                yield self._found(path)
                continue
            if is_image_name(path) and self._accepts(path):
                yield self._found(path, ImageError(Reason.IS_A_DIRECTORY, "it is a directory"))
            if self._recursive:
                yield from self._enter(path)

    def _enter(self, path: str) -> Iterator[Found]:
        """Pushes a directory on the stack, or yields why it cannot be listed."""
        try:
            identity = self._store.stat(path).identity
            if any(level.identity == identity for level in self._levels):
                message = "this link leads to a directory that contains it"
                yield self._found(path, ImageError(Reason.LINK_LOOP, message))
            elif not self._is_output(path):
                self._levels.append(_Level(path, identity, *self._list(path)))
        except OSError as error:
            yield self._found(path, from_os_error(error))

    def _is_output(self, path: str) -> bool:
        if not self._trees:
            return False
        real = Path(path).resolve()
        return real in self._trees or not self._filled.isdisjoint([real, *real.parents])

    def _list(self, path: str) -> tuple[list[bytes], frozenset[bytes]]:
        """Returns the names to visit, last one first, and which of them are directories."""
        names, directories = [], set()
        for entry in self._store.list(path):
            name = os.fsencode(entry.name)
            if entry.is_directory:
                directories.add(name)
            elif not self._accepts(path + "/" + entry.name):
                continue
            names.append(name)
        return sorted(names, reverse=True), frozenset(directories)

    def _accepts(self, path: str) -> bool:
        if path in self._sources.forced:
            return True
        if not self._glob:
            return is_image_name(path)
        names = self._key(path), path.rpartition("/")[2]
        return any(fnmatchcase(name, pattern) for name in names for pattern in self._glob)

    def _key(self, path: str) -> str:
        return path[len(self._sources.base) :].strip("/") or "."

    def _found(self, path: str, error: ImageError | None = None) -> Found:
        return Found(self._key(path), Path(path), error)
