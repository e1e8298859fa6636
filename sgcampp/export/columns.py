"""The columns of the table: what manifest rows and their maps hold, flattened, each with a type."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sgcampp.errors import UserError
from sgcampp.tree.rows import MapRow, Row
from sgcampp.tree.schema import Types, field_types

Value = str | int | float | bool | None
Record = dict[str, Any]

_SPREAD = {"view": ("view_top", "view_left", "view_height", "view_width"), "shape": ("h", "w")}
"""Lists that become a column an item."""
_ELSEWHERE = {"files", "sha256_files", "maps"}
_OF_MAP_ELSEWHERE = {"files", "sha256"}
_RENAMED = {"reason": "flat_reason"}
"""Fields of maps whose names images have too."""
_INT64 = 2**63


@dataclass(frozen=True)
class Column:
    """One column. `kind`: str, int, float or bool; any value may be missing (None)."""

    name: str
    kind: type


def columns_of(kinds: Sequence[str], metrics: Sequence[str]) -> list[Column]:
    """The columns of a tree's table.

    Args:
        kinds: of the files that its run wrote; a column each holds their paths below OUT.
        metrics: of its evaluation.
    """
    fields = [
        *_columns(field_types(Row), _ELSEWHERE, {}),
        *_columns(field_types(MapRow), _OF_MAP_ELSEWHERE, _RENAMED),
    ]
    evaluated = [Column("evaluated", str)] * bool(metrics)
    return [
        *(Column(name, kind) for _, name, kind in fields),
        *(Column(kind, str) for kind in kinds),
        *evaluated,
        *(Column(metric, float) for metric in metrics),
    ]


def flattened(
    kinds: Sequence[str], metrics: Sequence[str], of_maps: Callable[[Record], list[Record]]
) -> Callable[[Record], Iterator[list[Value]]]:
    """Makes of an image's row, as JSON values, the table's rows: one a map, or one without any.

    Args:
        kinds: as for `columns_of`.
        metrics: likewise.
        of_maps: what the evaluation says of each map of a row; called only if there are metrics.

    Returns:
        A function that raises UserError for a value of another type than its column.
    """
    of_image = _reader(field_types(Row), _ELSEWHERE)
    of_map = _reader(field_types(MapRow), _OF_MAP_ELSEWHERE)

    def rows(row: Record) -> Iterator[list[Value]]:
        maps = row["maps"] or [{}]
        try:
            image, each = of_image(row), [of_map(map_row) for map_row in maps]
        except ValueError as error:
            raise UserError(f"the manifest's row of {row['key']!r} is damaged: {error}") from error
        worth = (of_maps(row) if metrics else []) or [{}] * len(maps)
        for map_row, own, measured in zip(maps, each, worth, strict=True):
            paths = {**row["files"], **map_row.get("files", {})}
            yield [*image, *own, *map(paths.get, kinds), *_measured(measured, metrics)]

    return rows


def _measured(evaluation: Record, metrics: Sequence[str]) -> list[Value]:
    if not metrics:
        return []
    return [evaluation.get("status"), *map(evaluation.get("metrics", {}).get, metrics)]


def _columns(
    types: Mapping[str, Types], without: set[str], renamed: Mapping[str, str]
) -> Iterator[tuple[str, str, type]]:
    """(field, column, kind) of each column; what is neither a number nor text becomes JSON."""
    for name, (own, items) in types.items():
        if name in _SPREAD:
            yield from ((name, column, _kind(items)) for column in _SPREAD[name])
        elif name not in without:
            yield name, renamed.get(name, name), _kind(own)


def _kind(types: frozenset[type]) -> type:
    return next((kind for kind in (bool, float, int) if kind in types), str)


def _reader(types: Mapping[str, Types], without: set[str]) -> Callable[[Record], list[Value]]:
    """Takes the values of a row's or map's columns, in the order of `_columns`."""
    plain = [
        (name, own, _accepted(own), len(_SPREAD.get(name, ())))
        for name, (own, _) in types.items()
        if name not in without
    ]

    def read(values: Record) -> list[Value]:
        found: list[Value] = []
        for name, own, accepted, spread in plain:
            value = values.get(name)
            if spread:
                found += _items(name, value, spread)
            elif value is None or type(value) in accepted:
                found.append(_sized(name, value) if type(value) is int else value)
            else:
                found.append(_as_text(name, value, own))
        return found

    return read


def _accepted(own: frozenset[type]) -> frozenset[type]:
    return own & {str, int, float, bool}


def _items(name: str, value: Any, count: int) -> list[Value]:
    if value is None:
        return [None] * count
    if type(value) is not list or len(value) != count or not set(map(type, value)) <= {int, float}:
        raise ValueError(f"{name} is {value!r:.50}, not {count} numbers")
    return [_sized(name, item) for item in value]


def _sized(name: str, value: Any) -> Any:
    if type(value) is int and not -_INT64 <= value < _INT64:
        raise ValueError(f"{name} is {value!r:.50}, too large a number")
    return value


def _as_text(name: str, value: Any, own: frozenset[type]) -> str:
    if type(value) not in own:
        raise ValueError(f"{name} is {value!r:.50}")
    return json.dumps(value, sort_keys=True)
