"""A finished or half-done output tree as one object: what was asked, what came of it, and where."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sgcampp.errors import UserError
from sgcampp.images.items import Place, is_plain
from sgcampp.storage.location import Named, locate, store_at
from sgcampp.storage.store import Store
from sgcampp.storage.urls import redacted
from sgcampp.tree.index import ManifestIndex, read_manifest
from sgcampp.tree.lock import is_locked
from sgcampp.tree.originals import Originals
from sgcampp.tree.paths import KINDS
from sgcampp.tree.rows import MapRow, Row
from sgcampp.tree.run_record import RunRecord, read_run_yaml
from sgcampp.tree.shards import SHARDS, TreeFiles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class OutputTree:
    """What `open_tree` found.

    Attributes:
        store: the tree's storage.
        values: the run config, by key, as run.yaml has it.
        record: what the run settled.
    """

    store: Store
    values: dict[str, Any]
    record: RunRecord

    @property
    def kinds(self) -> tuple[str, ...]:
        """The directories that the run may have filled."""
        return kinds_of(self.values.get("write"))

    def index(self) -> ManifestIndex:
        """The manifest's rows by key; a context manager."""
        return ManifestIndex(self.store)

    def rows(self) -> Iterator[Row]:
        """The rows that hold, one a key; UserError at a line that is none."""
        return read_manifest(self.store)

    def is_locked(self) -> bool:
        """Whether some process is writing to it."""
        return is_locked(self.store)

    def array(self, map_row: MapRow) -> "NDArray[np.float32]":
        """The raw map, float32 [h, w], of one row's map.

        Raises:
            KeyError: if the run wrote no arrays.
            OSError: if the file can't be read.
            ValueError: if it is no such array.
        """
        from sgcampp.tree.arrays import decode_map

        return decode_map(self.files.read(map_row.files["arrays"]), bool(map_row.signed))

    @cached_property
    def files(self) -> TreeFiles:
        """Reads the files that rows name."""
        return TreeFiles(self.store)

    @cached_property
    def base(self) -> Path | None:
        """The local directory that keys are relative to; None if it can't be found from here.

        Where the run found it; else, for a tree that moved with its images, where they lie from
        here.
        """
        if self.record.base and os.path.isdir(self.record.base):  # noqa: PTH112 - no error for odd names
            return Path(self.record.base)
        sources = self._originals.sources()
        return Path(sources.base) if sources and os.path.isdir(sources.base) else None  # noqa: PTH112

    @cached_property
    def _originals(self) -> Originals:
        return Originals(self.values, self.record.base)

    def original(self, row: Row) -> Place | None:
        """What holds the image of a row; None if it is not there any more."""
        path = self.image(row)
        return self._originals.place(row.key) if path is None else locate(path)

    def image(self, row: Row) -> Path | None:
        """The image of a row as a file; None if there is none with the size recorded."""
        if self.base is None or not is_plain(row.key):
            return None
        try:
            size = (self.base / row.key).stat().st_size
        except (OSError, ValueError):  # gone, never readable, or no name that a file could have
            return None
        return self.base / row.key if row.bytes in (None, size) else None


def open_tree(out: Named) -> OutputTree:
    """Opens an output tree: a directory, or the URL of one.

    Raises:
        UserError: for a directory that is no output tree, or a run.yaml that can't be read.
    """
    store = store_at(out)
    known = read_run_yaml(store)
    if known is None:
        raise UserError(f"{redacted(str(out))} is no output tree: it has no run.yaml")
    return OutputTree(store, *known)


def kinds_of(write: Any) -> tuple[str, ...]:
    """The directories that a run with that `write` may fill: ours, and those of other writers."""
    others = [kind for kind in write if isinstance(kind, str)] if isinstance(write, list) else []
    return tuple(dict.fromkeys([*KINDS, SHARDS, *others]))
