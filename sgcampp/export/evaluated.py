"""What an evaluation says of each map, found by its image's key."""

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from sgcampp.config.strict_yaml import parse_mapping
from sgcampp.errors import UserError
from sgcampp.metrics.catalogue import METRICS
from sgcampp.storage.store import Store
from sgcampp.tree.manifest import part_names

DIRECTORY = "evaluation"
REQUEST_YAML = f"{DIRECTORY}/evaluation.yaml"

Record = dict[str, Any]
Place = tuple[int, int]
"""The number of a part, and a byte offset in it."""

_BEGINNING = re.compile(rb'\{"key":"((?:[^"\\]|\\.)*)","method":"(ref_)?')
"""Of a row: its key, and whether it is about a reference map, which the table has not.

Most rows are passed over without a look at the rest.
"""


class Evaluated:
    """An evaluation's rows by image; those of one image stand together in a part.

    One pass notes where each image's rows begin. If an image was measured twice, the later rows
    hold. A context manager, as it keeps the parts open.

    Attributes:
        metrics: the names of those that give each map a number; none without an evaluation.
    """

    def __init__(self, store: Store) -> None:
        self.metrics = _metrics(store)
        self._files: list[BinaryIO] = []
        self._names: list[str] = []
        self._places: dict[bytes, Place] = {}
        for part, name in enumerate(part_names(store, DIRECTORY) if self.metrics else ()):
            self._names.append(store.shown(name))
            self._files.append(store.open_own(name))
            before, offset = None, 0
            for line in self._files[part]:
                found = _BEGINNING.match(line)
                key = found[1] if found else b""
                if key != before:
                    self._note(key, (part, offset))
                before, offset = key, offset + len(line)

    def _note(self, key: bytes, place: Place) -> None:
        known = self._places.get(key)
        if known is None or self._finished(place) >= self._finished(known):
            self._places[key] = place

    def _finished(self, place: Place) -> float:
        file = self._files[place[0]]
        here = file.tell()
        file.seek(place[1])
        finished = self._read(place[0], file.readline()).get("finished")
        file.seek(here)
        return finished if isinstance(finished, int | float) else 0.0

    def of_maps(self, row: Record) -> list[Record]:
        """What the evaluation says of each map of an image's manifest row; {} for nothing."""
        found = {_identity(one, one.get("target")): one for one in self._of_image(row["key"])}
        targets: dict[tuple[Any, Any], int] = {}
        every = []
        for map_row in row["maps"]:
            explained = map_row.get("class_idx"), map_row.get("against_idx")
            target = targets.setdefault(explained, len(targets))
            every.append(found.get(_identity(map_row, target), {}))
        return every

    def _of_image(self, key: str) -> Iterator[Record]:
        raw = json.dumps(key)[1:-1].encode("ascii")
        if raw not in self._places:
            return
        part, offset = self._places[raw]
        file = self._files[part]
        file.seek(offset)
        for line in iter(file.readline, b""):
            found = _BEGINNING.match(line)
            if not found or found[1] != raw:
                return
            if not found[2]:
                yield self._read(part, line)

    def _read(self, part: int, line: bytes) -> Record:
        """The row on a line; {} for one that a kill tore."""
        if not line.endswith(b"\n"):
            return {}
        try:
            values = json.loads(line)
        except ValueError as error:
            raise UserError(
                f"{self._names[part]}: {line!r:.100} is no row of an evaluation: remove the line "
                "and evaluate again"
            ) from error
        return values if isinstance(values, dict) else {}

    def __enter__(self) -> "Evaluated":
        return self

    def __exit__(self, *exception: object) -> None:
        for file in self._files:
            file.close()


def _metrics(store: Store) -> list[str]:
    try:
        data = store.read(REQUEST_YAML).data
    except (FileNotFoundError, NotADirectoryError):
        return []
    names = parse_mapping(data, store.shown(REQUEST_YAML)).get("metrics")
    known = names if isinstance(names, list) else []
    pooled = {name for name, metric in METRICS.items() if metric.pool}
    return [name for name in known if isinstance(name, str) and name not in pooled]


def _identity(values: Record, target: Any) -> tuple[Any, ...]:
    """What tells the maps of one image apart."""
    across = json.dumps(values.get("across") or {}, sort_keys=True)
    filters = json.dumps(values.get("filters") or [])
    return values.get("method"), values.get("layer"), across, filters, target
