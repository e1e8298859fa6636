"""How far a run has come, read off its output tree alone."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sgcampp.errors import UserError
from sgcampp.tree.index import read_manifest
from sgcampp.tree.lock import is_locked
from sgcampp.tree.paths import MANIFEST
from sgcampp.tree.rows import FAILED, OK, Row
from sgcampp.tree.run_record import read_record

RATE_SECONDS = 300.0
"""The rate is taken over so many seconds before the last row."""


@dataclass
class Status:
    """Counts of an output tree, over all its shards.

    Attributes:
        images: in the listing, when a run last started; or rows, if there are more, as of images
            that have gone since.
        done: explained.
        failed: failed images by reason.
        running: whether some process is writing to it.
        rate: rows a second, over the last minutes of work; None if there was but an instant.
    """

    images: int
    done: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    running: bool = False
    rate: float | None = None

    @property
    def missing(self) -> int:
        """Images without a row."""
        return max(0, self.images - self.done - self.failed.total())

    @property
    def seconds_left(self) -> float | None:
        """Until the running run ends, at its rate; None if none is running."""
        return self.missing / self.rate if self.running and self.rate else None


def read_status(out: Path) -> Status:
    """Counts what an output tree has.

    Raises:
        UserError: for a directory that is no output tree, or a damaged manifest.
    """
    known = read_record(out)
    if known is None:
        raise UserError(f"{out} is no output tree: it has no run.yaml")
    status = Status(known[1].images, running=is_locked(out))
    per_second: Counter[int] = Counter()
    for row in read_manifest(out / MANIFEST):
        per_second[int(row.finished)] += 1
        if row.status == OK:
            status.done += 1
        else:
            status.failed[row.reason or ""] += 1
    status.images = max(status.images, status.done + status.failed.total())
    status.rate = _rate(per_second)
    return status


def failures(out: Path) -> Iterator[Row]:
    """The rows of an output tree's failed images."""
    return (row for row in read_manifest(out / MANIFEST) if row.status == FAILED)


def _rate(per_second: Counter[int]) -> float | None:
    """Rows a second over the last minutes of work; None if there was but an instant."""
    if not per_second:
        return None
    last = max(per_second)
    recent = {second: n for second, n in per_second.items() if last - second < RATE_SECONDS}
    span = last - min(recent)
    return sum(recent.values()) / span if span else None
