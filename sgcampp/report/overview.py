"""What stands on top of the page: counts, classes and time of a run."""

from collections.abc import Iterable
from datetime import datetime, timezone

from sgcampp.tree.rows import Row
from sgcampp.tree.tally import Class, Tally
from sgcampp.tree.words import class_words

TOP = 10


class Overview(Tally):
    """The counts of a manifest's rows, as the page has them."""

    def top_classes(self) -> list[tuple[str, str, int]]:
        """(identity as the page has it, name, images) of the most frequent classes."""
        return [
            (identity(*explained), class_words(*explained[0], *explained[1]), count)
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


def identity(*explained: Class) -> str:
    """A class, or both of a contrast, as `classIdentity` of words.js has it."""
    one, other = ("" if known == (None, None) else _of_class(known) for known in explained)
    return f"{one} against {other}" if other else one


def _of_class(one: Class) -> str:
    return f"{'' if one[0] is None else one[0]} {one[1] or ''}"
