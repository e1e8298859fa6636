"""How a run writes to its output tree, starts it afresh, and cleans up after dead runs."""

import errno
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Protocol

from sgcampp.images.faults import from_os_error
from sgcampp.storage.store import Store
from sgcampp.tree.manifest import part_names
from sgcampp.tree.paths import MANIFEST, relative_path
from sgcampp.tree.shards import shard_of


class TreeWriter(Protocol):
    """One process's way into an output tree."""

    def write(
        self, key: str, kind: str, extension: str, suffixes: Sequence[str], data: bytes
    ) -> str:
        """Writes a file about an image; called in threads.

        Args:
            key: of the image.
            kind: as `relative_path` has it, as are the next two.
            extension: likewise.
            suffixes: likewise.
            data: its bytes.

        Returns:
            Its path.

        Raises:
            ImageError: NAME_TOO_LONG, when the file system refuses the path's length.
            OSError: for anything else it refuses, which is the machine's fault.
        """


class FileWriter:
    """Writes each file by itself; see `TreeWriter`. Nothing in it grows with the files written."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(
        self, key: str, kind: str, extension: str, suffixes: Sequence[str], data: bytes
    ) -> str:
        """See `TreeWriter`."""
        relative = relative_path(kind, extension, key, suffixes)
        try:
            self._store.write(relative, data)
            return relative
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise from_os_error(error) from error
            raise


def remove_leftovers(store: Store, kinds: Iterable[str], part: int | None = None) -> int:
    """Removes the temporary files that dead runs left in an output tree.

    Only for the holder of the lock: of `part`, or of the whole tree when `part` is None.

    Returns:
        How many there were.
    """
    return sum(store.remove_leftovers(kind, part) for kind in (MANIFEST, *kinds))


def clear_tree(store: Store, kinds: Iterable[str], files: Iterable[str]) -> None:
    """Removes the manifest's parts and the files that its rows name, and nothing else.

    Only for the holder of the lock. Files that a run did not write stay, and their directories.

    Args:
        store: the output tree.
        kinds: the directories that runs have filled.
        files: paths below it, as rows have them; others are left alone.
    """
    kinds = tuple(kinds)
    for relative in dict.fromkeys(shard_of(path) or path for path in files):
        parts = PurePosixPath(relative).parts
        if parts and parts[0] in kinds and ".." not in parts:
            store.remove(relative)
    for part in part_names(store):
        store.remove(part)
    for kind in kinds:
        _remove_empty(store, kind)


def _remove_empty(store: Store, directory: str) -> None:
    """Removes the directories below one that hold nothing, and itself."""
    try:
        entries = list(store.list(directory))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_directory:
            _remove_empty(store, f"{directory}/{entry.name}")
    store.remove(directory)
