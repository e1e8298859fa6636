"""How far a run has come, read off its output tree alone."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sgcampp.storage.location import Named
from sgcampp.tree.open_tree import OutputTree, open_tree
from sgcampp.tree.rows import FAILED, Row
from sgcampp.tree.tally import Tally


@dataclass(frozen=True)
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
    done: int
    failed: Counter[str]
    running: bool
    rate: float | None

    @property
    def missing(self) -> int:
        """Images without a row."""
        return max(0, self.images - self.done - self.failed.total())

    @property
    def seconds_left(self) -> float | None:
        """Until the running run ends, at its rate; None if none is running."""
        return self.missing / self.rate if self.running and self.rate else None


def read_status(out: Named) -> Status:
    """Counts what an output tree has.

    Raises:
        UserError: for a directory that is no output tree, or a damaged manifest.
    """
    tree, tally = open_tree(out), Tally()
    running = tree.is_locked()
    for row in tree.rows():
        tally.add(row)
    return status_of(tree, tally, running)


def status_of(tree: OutputTree, tally: Tally, running: bool) -> Status:
    """The status of a tree whose rows are counted. `running`: whether a process writes to it."""
    images = max(tree.record.images, tally.explained + tally.failed)
    return Status(images, tally.explained, tally.reasons, running, tally.rate)


def failures(out: Named) -> Iterator[Row]:
    """The rows of an output tree's failed images."""
    return (row for row in open_tree(out).rows() if row.status == FAILED)
