"""The rows of an evaluation: one a map, one line of strict JSON each."""

import json
import re
import sys
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any

from sgcampp.tree.schema import check_types, field_types

OK, FAILED, LEFT_OUT = STATUSES = ("ok", "failed", "left_out")


@dataclass(frozen=True)
class EvaluationRow:
    """What one map is worth.

    Attributes:
        key: the image's, as in the manifest.
        method: of the map, or of a reference map such as `ref_ones`.
        layer: whose resolution the map has; "input" in pixel space.
        across: the values of the run's `across` keys that made the map, if it has any.
        filters: the feature maps that it is bounded to; None: all.
        class_idx: the class explained.
        target: its place among the classes explained in the image, from 0.
        p0: the probability of the class, of the image as it is.
        logit0: its class score S.
        flat: whether the map is all zeros.
        metrics: values by metric; finite.
        undefined: by metric, the reason why it has no value (words of `metric.REASONS`, or of
            `measuring.NO_OBJECTS`).
        evidence: of pooled metrics, what their number is pooled from.
        curves: probabilities by curve, [steps], the shares of pixels in `shares`.
        status: `OK`; `LEFT_OUT`: nothing of the map can be measured fairly; `FAILED`.
        reason: why it is left out or failed.
        identical: whether noise could not change the map (an affine head), so that it is the same
            map as without smoothing.
        of_image: how many rows the image has in all; with fewer, it is measured again.
        finished: Unix time of the row; of two rows for one map the later one holds.
    """

    key: str
    method: str
    layer: str
    across: dict[str, Any] | None = None
    filters: list[int] | None = None
    class_idx: int | None = None
    target: int = 0
    p0: float | None = None
    logit0: float | None = None
    flat: bool = False
    metrics: dict[str, float] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, list] = field(default_factory=dict)
    curves: dict[str, list[float]] = field(default_factory=dict)
    status: str = OK
    reason: str | None = None
    identical: bool = False
    of_image: int = 0
    finished: float = 0.0

    @property
    def series(self) -> "Series":
        """What the map belongs with, over images and classes."""
        settings = json.dumps(self.across, sort_keys=True) if self.across else "{}"
        return _series(self.method, self.layer, settings, tuple(self.filters or ()))


@dataclass(frozen=True, order=True)
class Series:
    """Maps that are compared as one: a method at a layer, with its settings and feature maps.

    Attributes:
        method: as rows have it.
        layer: as rows have it.
        settings: the `across` values as JSON, keys sorted.
        filters: the feature maps; () for all.
    """

    method: str
    layer: str
    settings: str = "{}"
    filters: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """In words, without the layer: `grad_cam_pp`, `smooth_grad_cam_pp nsamples=5`."""
        across = json.loads(self.settings)
        words = [f"{name}={value}" for name, value in across.items()]
        words += [f"filters={','.join(map(str, self.filters))}"] * bool(self.filters)
        return " ".join([self.method, *words])


@lru_cache(maxsize=1000)
def _series(*names: Any) -> Series:
    """One object for all maps of a series: rows are many, series are few."""
    return Series(*names)


_TYPES = field_types(EvaluationRow)
_LISTS = re.compile(rb'"(?:evidence|curves)":\{[^{}]*\},')
"""Of a line; no text in it can look so, as its quotes are escaped."""


def to_line(row: EvaluationRow) -> bytes:
    """The row as one line of ASCII JSON, newline included.

    Raises:
        ValueError: for a NaN or an infinity, which is a bug.
    """
    text = json.dumps(asdict(row), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.encode("ascii") + b"\n"


def from_line(line: bytes) -> EvaluationRow:
    """Reads what `to_line` wrote; fields of newer versions are left aside.

    Raises:
        ValueError: if the line is no such row.
    """
    values = json.loads(line.decode("utf-8"), parse_constant=_refused)
    if type(values) is not dict or not {"key", "method", "layer"} <= values.keys():
        raise ValueError("no key, method or layer")
    known = {name: value for name, value in values.items() if name in _TYPES}
    check_types(known, _TYPES)
    if known.get("status", OK) not in STATUSES:
        raise ValueError(f"status is {known['status']!r:.50}, not one of {', '.join(STATUSES)}")
    singles = [known.get(name) or 0.0 for name in ("p0", "logit0", "finished")]
    lists = [known.get(name, {}).values() for name in ("curves", "evidence")]
    if not all(map(_are_finite, [[*singles, *known.get("metrics", {}).values()], *chain(*lists)])):
        raise ValueError("a value is no finite number")
    return EvaluationRow(**known)


def without_lists(line: bytes) -> EvaluationRow:
    """Reads a line but for its evidence and curves, which are most of it.

    Raises:
        ValueError: as `from_line`, if the rest of the line is no such row.
    """
    return from_line(_LISTS.sub(b"", line))


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _are_finite(values: list) -> bool:
    """Of numbers, or of lists of nothing else; a whole number may be beyond all floats."""
    kinds = set(map(type, values))
    if kinds == {list}:
        return all(map(_are_finite, values))
    largest = sys.float_info.max
    return kinds <= {int, float} and all(-largest <= end <= largest for end in _ends(values))


def _ends(values: list) -> tuple:
    """The least and the largest; none of none."""
    return (min(values), max(values)) if values else ()
