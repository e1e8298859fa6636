"""The manifest's rows: one image each, one line of strict JSON each."""

import json
import math
import os
from dataclasses import dataclass, field
from typing import Any, NoReturn

from sgcampp.tree.schema import Types, check_limits, check_types, field_types

OK = "ok"
FAILED = "failed"


@dataclass(frozen=True)
class MapRow:
    """What is recorded about one map of an image.

    Attributes:
        files: path below the output directory of each kind of file, as {"arrays": "arrays/…"}.
        sha256: digest of those files by kind, where recorded.
        method: such as "smooth_grad_cam_pp".
        layer: address of the layer explained; "input" in pixel space.
        shape: [h,w] of the map.
        signed: whether its values may be negative: what speaks against the class.
        affine_head: whether noise could not change the map, so one pass was run.
        nsamples: n, the noised samples averaged, or the steps taken; 0: the clean image alone.
        across: the values of the config's `across` keys that made this map, if it has any.
        class_idx: the class explained; of a contrast, class A.
        class_name: its label, if the model has labels.
        against_idx: class B of a contrast S_A - S_B.
        against_name: its label, if the model has labels.
        score: S, the class score before softmax/sigmoid, of the clean image.
        probability: of the class, 0 to 1, if the model gives one.
        filters: the feature maps that the map is bounded to; None: all.
        weights: w^k of each of `filters`, in units of the array, where the method has them.
        log_scale: e^{log_scale} · array is the paper's L.
        ess: effective sample size of the weights e^{S_m}, 1 to n.
        relative_se: RMS of the map's standard error over its maximum, if it has one.
        error_groups: groups of samples that the error is from; 0: there is none.
        no_error: why it has none.
        tolerance_met: whether `relative_se` is within the config's tolerance, if it has one.
        guarded: alphas set to 0 by the guard.
        completeness: of a method with a baseline, how far the attributions miss the difference in
            score to it, as a share of that.
        perturbations: of methods that perturb images, how many perturbed images were scored.
        r2: of methods that fit a model of their own to these scores, how well it fits, at most 1.
        reason: why the map is flat (all zero), if it is.
        scanned: of a scan: `score`, `p_value`, `alpha` and `neurons`.
    """

    files: dict[str, str] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)
    method: str | None = None
    layer: str | None = None
    shape: list[int] | None = None
    signed: bool | None = None
    affine_head: bool | None = None
    nsamples: int | None = None
    across: dict[str, Any] | None = None
    class_idx: int | None = None
    class_name: str | None = None
    against_idx: int | None = None
    against_name: str | None = None
    score: float | None = None
    probability: float | None = None
    filters: list[int] | None = None
    weights: list[float] | None = None
    log_scale: float | None = None
    ess: float | None = None
    relative_se: float | None = None
    error_groups: int | None = None
    no_error: str | None = None
    tolerance_met: bool | None = None
    guarded: int | None = None
    completeness: float | None = None
    perturbations: int | None = None
    r2: float | None = None
    reason: str | None = None
    scanned: dict[str, Any] | None = None


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
        view: [top, left, height, width], the rectangle of the upright image that the maps cover,
            in pixels; the model saw no more.
        files: path below the output directory of each kind of file about the whole image, as
            {"panels": "panels/…"}.
        sha256_files: digest of those files by kind, where recorded.
        seconds: spent on this image.
        finished: Unix time of the row; of two rows for one key the later one holds.
        maps: one a map.
    """

    key: str
    status: str
    sha256: str | None = None
    bytes: int | None = None
    mtime_ns: int | None = None
    reason: str | None = None
    error: str | None = None
    note: str | None = None
    view: list[float] | None = None
    files: dict[str, str] = field(default_factory=dict)
    sha256_files: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    finished: float = 0.0
    maps: list[MapRow] = field(default_factory=list)


def to_line(row: Row) -> bytes:
    """Returns the row as one line of ASCII JSON, newline included.

    NaN and infinities become null, NumPy scalars become numbers, names that are not UTF-8 escaped
    lone surrogates, which `from_line` gives back unchanged.
    """
    try:
        text = _ENCODER.encode(row)
    except ValueError:  # a NaN or an infinity, which are few: to look for them takes long
        text = _ENCODER.encode(_plain(row))
    return text.encode("ascii") + b"\n"


def _in_json(value: Any) -> Any:
    """What stands for what JSON does not know: a row's fields, a NumPy scalar's number."""
    return vars(value) if isinstance(value, Row | MapRow) else value.item()


_ENCODER = json.JSONEncoder(
    ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=_in_json
)


def from_line(line: bytes) -> Row:
    """Reads what `to_line` wrote; fields of newer versions are left aside.

    Raises:
        ValueError: if the line is not a row, or one of its fields has another type.
    """
    values = check_line(line)
    check_types(values, _ROW_TYPES)
    check_limits(values, _LIMITS)
    _check_lengths(values)
    for map_row in values["maps"]:
        check_types(map_row, _MAP_TYPES)
        _check_lengths(map_row)
    maps = [MapRow(**_known(map_row, _MAP_TYPES)) for map_row in values["maps"]]
    return Row(**{**_known(values, _ROW_TYPES), "maps": maps})


def check_line(line: bytes) -> dict[str, Any]:
    """Returns the JSON object of a line; quick, as a resume reads every row of a manifest.

    Sure to be there: `key`, `status`, `finished`, `files` and `maps` with `files` in each. They
    and `bytes` and `mtime_ns` have the types of a `Row`; paths of files are relative and do not
    climb. `from_line` looks at the other fields.

    Raises:
        ValueError: if the line is not a row.
    """
    values = _DECODER.decode(line.decode("utf-8"))
    if type(values) is not dict or "key" not in values:
        raise ValueError("no key")
    if values.get("status") not in (OK, FAILED):
        raise ValueError(f"status is {values.get('status')!r:.50}, not '{OK}' or '{FAILED}'")
    values.setdefault("finished", 0.0)
    files, maps = values.setdefault("files", {}), values.setdefault("maps", [])
    check_types(values, _QUICK_TYPES)
    check_limits(values, _QUICK_LIMITS)
    _check_files(files)
    for map_row in maps:
        files = map_row.setdefault("files", {})
        check_types(map_row, _FILES_TYPE)
        _check_files(files)
    return values


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)  # else NaN and Infinity would pass
_ROW_TYPES, _MAP_TYPES = field_types(Row), field_types(MapRow)
_QUICK_FIELDS = ("key", "bytes", "mtime_ns", "files", "finished", "maps")
_QUICK_TYPES = {name: _ROW_TYPES[name] for name in _QUICK_FIELDS}
_FILES_TYPE = {"files": _MAP_TYPES["files"]}
_QUICK_LIMITS = {
    "bytes": (0, 2**63),
    "mtime_ns": (-(2**63), 2**63),
    "finished": (0, 253_402_300_800),  # the year 10000
}
_LIMITS = {"seconds": (0, 10**9)}
_LENGTHS = {"view": 4, "shape": 2}


def _check_lengths(values: dict[str, Any]) -> None:
    for name, length in _LENGTHS.items():
        value = values.get(name)
        if value is not None and len(value) != length:
            raise ValueError(f"{name} is {value!r:.50}, not {length} numbers")


def _check_files(files: dict[str, str]) -> None:
    """Raises ValueError for a path that is none, or could lead out of the output tree."""
    for path in files.values():
        if not path or path[0] == "/" or "\0" in path or (".." in path and _climbs(path)):
            raise ValueError(f"{path!r:.80} is not a path below the output tree")
        if not path.isascii():
            os.fsencode(path)  # a UnicodeEncodeError is a ValueError


def _climbs(path: str) -> bool:
    return ".." in path.split("/")


def _known(values: dict[str, Any], fields: dict[str, Types]) -> dict[str, Any]:
    if values.keys() <= fields.keys():
        return values
    return {name: value for name, value in values.items() if name in fields}


def _plain(value: Any) -> Any:
    """Returns the value in JSON's own types."""
    if isinstance(value, Row | MapRow):
        return {name: _plain(item) for name, item in vars(value).items()}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
