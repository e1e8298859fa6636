"""What stands on top of the page: counts, classes and time of a run."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone

from sgcampp.tree.rows import MapRecord, Row

TOP = 10

Class = tuple[int | None, str | None]
"""(index, name) of a class."""

Explained = tuple[Class, Class]
"""What a map explains: a class, and the one that it is held against, (None, None) if there is none.
"""


@dataclass
class Overview:
    """Counts over the rows of a manifest that `sgcampp.tree.status` does not keep.

    Attributes:
        maps: made.
        flat: those of them that are all zeros.
        classes: images by explained class.
        seconds: spent on images, added up.
        first: Unix time of the first row; None without rows.
        last: of the last one.
    """

    maps: int = 0
    flat: int = 0
    classes: Counter[Explained] = field(default_factory=Counter)
    seconds: float = 0.0
    first: float | None = None
    last: float | None = None

    def add(self, row: Row) -> None:
        """Counts one row."""
        self.maps += len(row.maps)
        self.flat += sum(record.reason is not None for record in row.maps)
        self.classes.update(set(map(_explained, row.maps)))
        self.seconds += row.seconds or 0.0
        self.first = row.finished if self.first is None else min(self.first, row.finished)
        self.last = row.finished if self.last is None else max(self.last, row.finished)

    def top_classes(self) -> list[tuple[str, str, int]]:
        """(identity as the page has it, name, images) of the most frequent classes."""
        return [
            (_against(_identity, *explained), _against(_words, *explained), count)
            for explained, count in self.classes.most_common(TOP)
        ]

    @property
    def span(self) -> str:
        """From the first to the last row."""
        if self.first is None or self.last is None:
            return "no image yet"
        first, last = (datetime.fromtimestamp(t, timezone.utc) for t in (self.first, self.last))
        return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def overview(rows: Iterable[Row]) -> Overview:
    """Counts all rows, one at a time."""
    result = Overview()
    for row in rows:
        result.add(row)
    return result


def duration(seconds: float) -> str:
    """Seconds for people: `0.42 s`, `1:23:45`."""
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _explained(record: MapRecord) -> Explained:
    return (record.class_idx, record.class_name), (record.against_idx, record.against_name)


def _against(words: Callable[[Class], str], one: Class, other: Class) -> str:
    return words(one) if other == (None, None) else f"{words(one)} against {words(other)}"


def _identity(one: Class) -> str:
    return f"{'' if one[0] is None else one[0]} {one[1] or ''}"


def _words(one: Class) -> str:
    return one[1] or f"class {one[0]}"
