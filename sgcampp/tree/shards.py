"""The files of an output tree, wherever its layout puts them: by themselves, or in tar shards.

A path `shards/00017.tar/cats/tom%2Ejpg.arrays.npy` is a member of the shard before it. WebDataset
takes what stands before the first dot of a name for the key of a sample, so an image's own dots are
spelled out.
"""

import errno
import re
import threading
from collections import OrderedDict

from sgcampp.images.tar_files import TAR_DAMAGE, tar_members
from sgcampp.storage.store import Store, walk

SHARDS = "shards"
_PATH = re.compile(rf"({SHARDS}/[^/]+\.tar)/(.+)", re.DOTALL)
_TABLES = 4
"""Shards whose tables of contents are kept: rows come in the order of the shards."""

Table = dict[str, tuple[int, int]]
"""(start, size) by member."""


def shard_name(part: int, number: int) -> str:
    """The path of a shard: of a whole run (part 0) its number, else the part's before it."""
    of_part = f"{part:05d}-" if part else ""
    return f"{SHARDS}/{of_part}{number:05d}.tar"


def member_name(key: str, *words: str) -> str:
    """What a file about an image is called in a shard: `a/b%2Ejpg`, then words behind dots."""
    directory, slash, last = key.rpartition("/")
    sample = f"{directory}{slash}{last.replace('%', '%25').replace('.', '%2E')}"
    return ".".join([sample, *words])


def shard_of(path: str) -> str | None:
    """The shard that a path leads into; None if it is that of a file."""
    match = _PATH.fullmatch(path)
    return match[1] if match else None


class TreeFiles:
    """Reads the files that rows name; for several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._tables: OrderedDict[str, Table] = OrderedDict()

    def read(self, path: str) -> bytes:
        """A file whole.

        Raises:
            OSError: if it is not there, or can't be read.
        """
        match = _PATH.fullmatch(path)
        if match is None:
            return self._store.read(path).data
        place = self.table(match[1]).get(match[2])
        if place is None:
            raise FileNotFoundError(errno.ENOENT, "is not in its shard", self._store.shown(path))
        start, size = place
        data = self._store.read_range(match[1], start, size) if size else b""
        if len(data) < size:
            raise OSError(errno.EIO, "its shard ends within it", self._store.shown(path))
        return data

    def table(self, shard: str) -> Table:
        """The members of a shard; OSError if it can't be read."""
        with self._lock:
            if shard not in self._tables:
                self._tables[shard] = _table(self._store, shard)
                while len(self._tables) > _TABLES:
                    self._tables.popitem(last=False)
            self._tables.move_to_end(shard)
            return self._tables[shard]


def _table(store: Store, shard: str) -> Table:
    try:
        with store.open(shard) as stream:
            return {one.name: (one.offset_data, one.size) for one in tar_members(stream)}
    except OSError:
        raise
    except TAR_DAMAGE as error:
        raise OSError(errno.EIO, f"its shard is damaged: {error}", store.shown(shard)) from error


def shards_in(store: Store) -> list[str]:
    """The shards of an output tree in the order of their names."""
    return sorted(name for name in walk(store, SHARDS) if name.endswith(".tar"))
