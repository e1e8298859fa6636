"""The manifest's rows: one image each, one line of strict JSON each."""

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

OK = "ok"
FAILED = "failed"


@dataclass(frozen=True)
class MapRecord:
    """What is recorded about one map of an image.

    Attributes:
        files: path below the output directory of each kind of file, as {"arrays": "arrays/…"}.
        sha256: digest of those files by kind, where recorded.
        class_idx: the class explained.
        class_name: its label, if the model has labels.
        score: S, the class score before softmax/sigmoid, of the clean image.
        probability: of the class, 0 to 1, if the model gives one.
        method: such as "smooth_grad_cam_pp".
        filters: the feature maps that the map is bounded to; None: all.
        log_scale: e^{log_scale} · array is the paper's L.
        ess: effective sample size of the weights e^{S_m}, 1 to n.
        guarded: alphas set to 0 by the guard.
        reason: why the map is flat (all zero), if it is.
    """

    files: dict[str, str] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)
    class_idx: int | None = None
    class_name: str | None = None
    score: float | None = None
    probability: float | None = None
    method: str | None = None
    filters: list[int] | None = None
    log_scale: float | None = None
    ess: float | None = None
    guarded: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Row:
    """What is recorded about one image.

    Attributes:
        key: the image's relative path with "/".
        status: `OK` or `FAILED`.
        sha256: of the image file's bytes; None if they could not be read.
        bytes: size of the image file.
        mtime_ns: its modification time; with `bytes` a cheap sign that it has not changed.
        reason: a word of `faults.Reason`, if failed.
        error: one sentence for a person, if failed.
        note: such as "first of 3 frames".
        layer: address of the layer explained.
        shape: [h,w] of the maps.
        view: [top, left, height, width], the rectangle of the upright image that the maps cover,
            in pixels; the model saw no more.
        affine_head: whether noise could not change the map, so one pass was run.
        seconds: spent on this image.
        finished: Unix time of the row; of two rows for one key the later one holds.
        maps: one record a map.
    """

    key: str
    status: str
    sha256: str | None = None
    bytes: int | None = None
    mtime_ns: int | None = None
    reason: str | None = None
    error: str | None = None
    note: str | None = None
    layer: str | None = None
    shape: list[int] | None = None
    view: list[float] | None = None
    affine_head: bool | None = None
    seconds: float | None = None
    finished: float = 0.0
    maps: list[MapRecord] = field(default_factory=list)


def to_line(row: Row) -> bytes:
    """Returns the row as one line of ASCII JSON, newline included.

    NaN and infinities become null, NumPy scalars numbers, names that are not UTF-8 escaped
    lone surrogates, which `from_line` gives back unchanged.
    """
    text = json.dumps(_plain(row), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.encode("ascii") + b"\n"


def from_line(line: bytes) -> Row:
    """Reads what `to_line` wrote; fields of newer versions are left aside.

    Raises:
        ValueError: if the line is not a row.
    """
    values = check_line(line)
    maps = [MapRecord(**_known(record, _MAP_FIELDS)) for record in values["maps"]]
    return Row(**{**_known(values, _ROW_FIELDS), "maps": maps})


def check_line(line: bytes) -> dict[str, Any]:
    """Returns the JSON object of a line, sure to have key, status, finished and a list of maps.

    Raises:
        ValueError: if the line is not a row.
    """
    values = json.loads(line)
    if not isinstance(values, dict) or not isinstance(values.get("key"), str):
        raise ValueError("no key")
    if values.get("status") not in (OK, FAILED):
        raise ValueError(f"status {values.get('status')!r} is not '{OK}' or '{FAILED}'")
    if not isinstance(values.setdefault("finished", 0.0), int | float):
        raise ValueError("finished is not a number")
    maps = values.setdefault("maps", [])
    if not isinstance(maps, list) or not all(isinstance(record, dict) for record in maps):
        raise ValueError("maps is not a list of records")
    return values


_ROW_FIELDS = frozenset(f.name for f in dataclasses.fields(Row))
_MAP_FIELDS = frozenset(f.name for f in dataclasses.fields(MapRecord))


def _known(values: dict[str, Any], fields: frozenset[str]) -> dict[str, Any]:
    if values.keys() <= fields:
        return values
    return {name: value for name, value in values.items() if name in fields}


def _plain(value: Any) -> Any:
    """Returns the value in JSON's own types."""
    if isinstance(value, Row | MapRecord):
        return {name: _plain(item) for name, item in vars(value).items()}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
