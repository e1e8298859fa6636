"""Whether the files that rows name are there, without a request for each where these cost."""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from sgcampp.storage.store import Store, walk
from sgcampp.tree.shards import shard_of


def present(store: Store, kinds: Sequence[str]) -> Callable[[dict[str, Any]], bool]:
    """A test of rows, as JSON values: are all their files in the output tree?

    A shard that is there is whole. Where each look would be a request, all names are listed once
    there is a row to ask about, and eight bytes of each kept.
    """
    known: dict[str, bool] = {}

    @cache
    def listed() -> _Listed:
        return _Listed(store, kinds)

    def exists(path: str) -> bool:
        shard = shard_of(path)
        if not store.near:
            return (shard or path) in listed()
        if shard is None:
            return store.exists(path)
        if shard not in known:
            known[shard] = store.exists(shard)
        return known[shard]

    def has_files(row: dict[str, Any]) -> bool:
        return all(
            exists(path) for map_row in (row, *row["maps"]) for path in map_row["files"].values()
        )

    return has_files


class _Listed:
    """The names of all files below some directories."""

    def __init__(self, store: Store, kinds: Sequence[str]) -> None:
        names = (name for kind in kinds for name in walk(store, kind))
        self._digests = _sorted(map(_digest, names))

    def __contains__(self, name: str) -> bool:
        wanted = _digest(name)
        at = bisect_left(self._digests, wanted)
        return at < len(self._digests) and self._digests[at] == wanted


def _sorted(numbers: Iterator[int]) -> array:
    import numpy as np

    found = array("Q", numbers)
    if found:
        np.frombuffer(found, np.uint64).sort()
    return found


def _digest(name: str) -> int:
    data = name.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
