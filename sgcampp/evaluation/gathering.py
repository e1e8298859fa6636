"""Rows of an evaluation by series, and the values of their maps side by side."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.evaluation.presets import ORDER
from sgcampp.evaluation.records import Record, Row, record_of
from sgcampp.evaluation.rows import LEFT_OUT, OK, EvaluationRow, Series
from sgcampp.metrics.catalogue import METRICS, REFERENCES
from sgcampp.metrics.metric import Floats


@dataclass(frozen=True)
class Gathered:
    """The maps that were measured, and how many were not.

    Attributes:
        records: of the measured maps, by series, in the order of key and target.
        left_out: maps that nothing was measured of, by reason.
        failed: maps that could not be measured, by reason.
        images: that any row is of.
    """

    records: dict[Series, list[Record]]
    left_out: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    images: int = 0

    def __iter__(self) -> Iterator[Record]:
        """The measured maps."""
        return chain.from_iterable(self.records.values())

    @property
    def metrics(self) -> list[str]:
        """What any map was measured in: registered metrics in their order, then others by name."""
        found = set[str]()
        for record in self:
            found.update(record.metrics, record.undefined, record.evidence)
        known = [*ORDER, *(name for name in METRICS if name not in ORDER)]
        return [name for name in known if name in found] + sorted(found - set(known))


def gather(rows: Iterable[EvaluationRow]) -> Gathered:
    """Takes the rows in; of several rows for one map the one that finished last."""
    latest: dict[Series, dict[tuple[str, int], Record]] = {}
    for row in rows:
        record = record_of(row)
        here, place = latest.setdefault(record.series, {}), (record.key, record.target)
        if place not in here or _is_later(record, here[place]):
            here[place] = record
    records: dict[Series, list[Record]] = {}
    missing: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for series in sorted(latest):
        for _, record in sorted(latest[series].items()):
            if record.status == OK:
                records.setdefault(series, []).append(record)
            else:
                missing[record.status == LEFT_OUT][record.reason or "no reason given"] += 1
    left_out, failed = (dict(sorted(missing[which].items())) for which in (True, False))
    images = {key for here in latest.values() for key, _ in here}
    return Gathered(records, left_out, failed, len(images))


def _is_later(record: Record, other: Record) -> bool:
    """Whether it holds; among rows of the same second any rule will do that knows no order."""
    if record.finished != other.finished:
        return record.finished > other.finished
    return _spelt(record) > _spelt(other)


def _spelt(record: Record) -> str:
    arrays = [
        sorted((name, values.tolist()) for name, values in some.items())
        for some in (record.evidence, record.curves)
    ]
    plain = record.status, record.reason, record.row, record.flat, record.identical
    return repr([plain, sorted(record.metrics.items()), sorted(record.undefined.items()), arrays])


def is_reference(series: Series) -> bool:
    """Whether it is of reference maps, which the methods are to beat."""
    return series.method in REFERENCES


def in_order(series: Iterable[Series], against: str | None) -> list[Series]:
    """Methods, then references; by layer (block2 before block10), there `against` first."""

    def place(one: Series) -> tuple[Any, ...]:
        layer, label = natural(one.layer), natural(one.label)
        return is_reference(one), layer, one.method != against, label, one

    return sorted(series, key=place)


def natural(text: str) -> list[str | int]:
    """A sort key that takes digits for numbers."""
    parts = re.split(r"(\d+)", text)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]


@dataclass(frozen=True)
class Grid:
    """Maps side by side: a row is one class of one image, of which each series has a map or none.

    Attributes:
        records: as gathered.
        series: S of them, in order.
        metrics: C names.
    """

    records: Mapping[Series, Sequence[Record]]
    series: list[Series]
    metrics: list[str]

    @cached_property
    def rows(self) -> dict[Row, int]:
        """The place of each row, sorted."""
        every = {record.row for records in self.records.values() for record in records}
        return {row: i for i, row in enumerate(sorted(every))}

    @cached_property
    def images(self) -> NDArray[np.int64]:
        """[R], the number of each row's image."""
        keys = {key: i for i, key in enumerate(dict.fromkeys(key for key, _, _ in self.rows))}
        return np.array([keys[key] for key, _, _ in self.rows], np.int64)

    @cached_property
    def places(self) -> dict[Series, NDArray[np.int64]]:
        """The rows that the records of each series are in."""
        return {
            one: np.array([self.rows[record.row] for record in records], np.int64)
            for one, records in self.records.items()
        }

    @cached_property
    def values(self) -> Floats:
        """float64 [R,S,C]; NaN for no value."""
        found = np.full((len(self.rows), len(self.series), len(self.metrics)), np.nan)
        for s, series in enumerate(self.series):
            records = self.records[series]
            for c, name in enumerate(self.metrics):
                column = [record.metrics.get(name, np.nan) for record in records]
                found[self.places[series], s, c] = column
        return found
