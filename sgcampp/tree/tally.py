"""Counts over manifest rows: what a summary, a progress line, a status and a report tell."""

from collections import Counter
from dataclasses import dataclass, field

from sgcampp.tree.rows import OK, MapRow, Row

RATE_SECONDS = 300.0
"""The rate is taken over so many seconds before the last row."""
INCOMPLETE = 0.05
"""Share of the score's rise that attributions may miss unremarked."""

Class = tuple[int | None, str | None]
"""(index, name) of a class."""

Explained = tuple[Class, Class]
"""What a map explains: a class, and the one that it is held against, (None, None) if there is none.
"""


@dataclass
class Tally:
    """Counts of rows.

    Attributes:
        explained: images with maps.
        failed: images without, each with a reason.
        reasons: failed images by reason.
        maps: made.
        flat: those of them that are all zeros.
        poorly_sampled: those whose samples were worth less than half of n.
        unsure: those that missed the tolerance with all samples allowed.
        incomplete: those with a baseline whose attributions miss the score's rise by too much.
        classes: images by what is explained in them.
        seconds: spent on images, added up.
        first: Unix time of the first row; None without rows.
        last: of the last one.
        per_second: rows by the second in which they were finished.
    """

    explained: int = 0
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    maps: int = 0
    flat: int = 0
    poorly_sampled: int = 0
    unsure: int = 0
    incomplete: int = 0
    classes: Counter[Explained] = field(default_factory=Counter)
    seconds: float = 0.0
    first: float | None = None
    last: float | None = None
    per_second: Counter[int] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        """Counts one row."""
        if row.status == OK:
            self.explained += 1
        else:
            self.failed += 1
            self.reasons[row.reason or ""] += 1
        self.maps += len(row.maps)
        self.flat += sum(map_row.reason is not None for map_row in row.maps)
        self.poorly_sampled += sum(map(_is_poorly_sampled, row.maps))
        self.unsure += sum(map_row.tolerance_met is False for map_row in row.maps)
        self.incomplete += sum((map_row.completeness or 0) > INCOMPLETE for map_row in row.maps)
        self.classes.update(set(map(_explained, row.maps)))
        self.seconds += row.seconds or 0.0
        self.first = row.finished if self.first is None else min(self.first, row.finished)
        self.last = row.finished if self.last is None else max(self.last, row.finished)
        self.per_second[int(row.finished)] += 1

    @property
    def rate(self) -> float | None:
        """Rows a second over the last minutes of work; None if there was but an instant."""
        if not self.per_second:
            return None
        last = max(self.per_second)
        recent = {s: n for s, n in self.per_second.items() if last - s < RATE_SECONDS}
        span = last - min(recent)
        return sum(recent.values()) / span if span else None


def _is_poorly_sampled(map_row: MapRow) -> bool:
    copies = map_row.nsamples or 0
    return copies > 1 and map_row.ess is not None and map_row.ess < copies / 2


def _explained(map_row: MapRow) -> Explained:
    return (map_row.class_idx, map_row.class_name), (map_row.against_idx, map_row.against_name)
