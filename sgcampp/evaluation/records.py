"""What is kept of the rows of an evaluation while all of them are looked at together."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sgcampp.evaluation.rows import EvaluationRow, Series

Reals = NDArray[Any]
"""Of any type of numbers; sums of many are made in float64."""
Value = TypeVar("Value")
Row = tuple[str, int, int]
"""An image's key, the place of the class among those explained, and the class, -1 for none."""


@dataclass(frozen=True, slots=True)
class Record:
    """A row with its lists as arrays, which take an eighth of the room; as `EvaluationRow`."""

    series: Series
    key: str
    target: int
    class_idx: int | None
    flat: bool
    identical: bool
    metrics: dict[str, float]
    undefined: dict[str, str]
    evidence: dict[str, Reals]
    curves: dict[str, Reals]
    status: str
    reason: str | None
    finished: float

    @property
    def row(self) -> Row:
        """Which maps of other series it is compared with: those of the same row."""
        return self.key, self.target, -1 if self.class_idx is None else self.class_idx


def record_of(row: EvaluationRow) -> Record:
    """What is kept of it."""
    return Record(
        series=row.series,
        key=sys.intern(row.key),
        target=row.target,
        class_idx=row.class_idx,
        flat=row.flat,
        identical=row.identical,
        metrics=_by_one_name(row.metrics),
        undefined=_by_one_name(row.undefined),
        evidence=_arrays(row.evidence),
        curves=_arrays(row.curves),
        status=row.status,
        reason=row.reason,
        finished=row.finished,
    )


def _arrays(lists: Mapping[str, Sequence[Any]]) -> dict[str, Reals]:
    """In the smallest type that has the same values: of hits, of float32 networks, of others."""
    return {sys.intern(name): _packed(np.asarray(values)) for name, values in lists.items()}


def _packed(values: NDArray[Any]) -> Reals:
    with np.errstate(over="ignore", invalid="ignore"):
        for kind in (np.uint8, np.float32):
            short = values.astype(kind)
            if (short == values).all():
                return short
    return values.astype(np.float64)


def _by_one_name(values: dict[str, Value]) -> dict[str, Value]:
    """The same with names that all rows share: each line that is read has its own."""
    return {sys.intern(name): value for name, value in values.items()}
