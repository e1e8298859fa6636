"""The images where one series is most better and most worse than another."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sgcampp.evaluation.rows import OK, Series

if TYPE_CHECKING:
    from sgcampp.evaluation.records import Record
    from sgcampp.evaluation.rows import EvaluationRow
    from sgcampp.evaluation.summary import MetricFacts, Summary

MOST = 10
"""How many images a list has."""

REFERENCE = "ref_"
"""How the names of reference maps begin."""


@dataclass(frozen=True, order=True)
class Extreme:
    """A map that stands out; smaller stands out more.

    Attributes:
        less: how far apart the two are, below 0.
        key: of the image.
        target: the map's class's place among those of the image.
        class_idx: that class.
        first: the value of the first of two series.
        other: of the other.
    """

    less: float
    key: str
    target: int
    class_idx: int | None = field(compare=False)
    first: float = field(compare=False)
    other: float = field(compare=False)


class Leading:
    """Keeps the maps that stand out most, one an image, whatever the order they come in."""

    def __init__(self) -> None:
        self._by_key: dict[str, Extreme] = {}
        self._last: Extreme | None = None

    def offer(self, one: Extreme) -> None:
        """Keeps it if it stands out enough."""
        if self._last and one > self._last:
            return
        held = self._by_key.get(one.key)
        self._by_key[one.key] = min(held, one) if held else one
        if len(self._by_key) > MOST:
            del self._by_key[max(self._by_key.values()).key]
        if len(self._by_key) == MOST:
            self._last = max(self._by_key.values())

    def __iter__(self) -> Iterator[Extreme]:
        return iter(sorted(self._by_key.values()))


class Extremes:
    """Reads rows once and keeps what stands out in each comparison and directional metric.

    What waits for its partner is kept: a few rows where those of an image come together.

    Args:
        summary: whose comparisons and metrics these are.

    Attributes:
        pairs: (first, other) of each comparison.
        metrics: the directional ones.
    """

    def __init__(self, summary: "Summary") -> None:
        found = [
            (one.series, cell.against.other)
            for one in summary.series
            for cell in one.cells.values()
            if cell.against and not one.series.method.startswith(REFERENCE)
        ]
        self.pairs: list[tuple[Series, Series]] = list(dict.fromkeys(found))
        self.metrics: list[MetricFacts] = [one for one in summary.metrics if one.better]
        self._wanted = {series for pair in self.pairs for series in pair}
        self._waiting: dict[tuple[str, int], dict[Series, _Values]] = {}
        self._lists = [[(Leading(), Leading()) for _ in self.metrics] for _ in self.pairs]

    def add(self, row: "EvaluationRow | Record") -> None:
        """Takes in one row; of two for one map the later one holds, if the first one failed."""
        series = row.series
        if row.status != OK or series not in self._wanted:
            return
        place = row.key, row.target
        here = self._waiting.setdefault(place, {})
        here[series] = _Values(row.class_idx, row.metrics)
        if len(here) == len(self._wanted):
            self._settle(*place, self._waiting.pop(place))

    def lists(self) -> list[list[tuple[list[Extreme], list[Extreme]]]]:
        """By pair and metric: (most better, most worse), the most first."""
        while self._waiting:
            place, here = self._waiting.popitem()
            self._settle(*place, here)
        return [[(list(a), list(b)) for a, b in lists] for lists in self._lists]

    def _settle(self, key: str, target: int, here: dict[Series, "_Values"]) -> None:
        for (first, other), lists in zip(self.pairs, self._lists, strict=True):
            one, two = here.get(first), here.get(other)
            if one and two:
                for metric, (better, worse) in zip(self.metrics, lists, strict=True):
                    a, b = one.metrics.get(metric.name), two.metrics.get(metric.name)
                    if a is None or b is None or a == b:
                        continue
                    is_better = (a > b) == (metric.better == "more")
                    found = Extreme(-abs(a - b), key, target, one.class_idx, a, b)
                    (better if is_better else worse).offer(found)


@dataclass(frozen=True)
class _Values:
    class_idx: int | None
    metrics: dict[str, float]
