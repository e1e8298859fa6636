"""What a run has to do, and what of it is left: the listing held against the manifest."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sgcampp.images.items import Found
from sgcampp.run.summary import Summary
from sgcampp.storage.store import UNKNOWN
from sgcampp.tree.index import ManifestIndex, Standing
from sgcampp.tree.lock import WHOLE
from sgcampp.tree.rows import Row


@dataclass(frozen=True)
class Drive:
    """How a run is driven; none of it shapes its maps.

    Attributes:
        shard: (i, N), 1 <= i <= N: every N-th image, from the i-th on.
        overwrite: remove what the output tree holds first.
        retry_failed: try images again that failed in earlier runs.
        workers: processes of this machine that do the work; 0: this one does it.
        scheduler: address of the Dask cluster that does it.
    """

    shard: tuple[int, int] = (1, 1)
    overwrite: bool = False
    retry_failed: bool = False
    workers: int = 0
    scheduler: str | None = None

    @property
    def on_workers(self) -> bool:
        """Whether other processes do the work."""
        return bool(self.workers or self.scheduler)

    @property
    def part(self) -> int:
        """The manifest part that this run writes."""
        return WHOLE if self.shard[1] == 1 else self.shard[0]

    def count(self, total: int) -> int:
        """How many of `total` images are this shard's."""
        return len(range(self.shard[0] - 1, total, self.shard[1]))


@dataclass(frozen=True)
class Task:
    """An image to explain. `before`: its row, if it was done when its file looked different."""

    found: Found
    before: Row | None = None


def tasks_left(
    everything: Iterator[Found],
    known: ManifestIndex,
    drive: Drive,
    summary: Summary,
    skip: Callable[[], None],
) -> Iterator[Task]:
    """What is left to do of a shard.

    Args:
        everything: the whole listing.
        known: what the manifest says.
        drive: which shard, and whether to try failed images again.
        summary: counts what is passed over.
        skip: called for each image that is passed over.
    """
    for found in itertools.islice(everything, drive.shard[0] - 1, None, drive.shard[1]):
        standing, size, mtime_ns = known.standing(found.key)
        if standing is Standing.FAILED and not drive.retry_failed:
            summary.failed_before += 1
            skip()
        elif standing is not Standing.OK:
            yield Task(found)
        elif _looks_unchanged(found, size, mtime_ns):
            summary.skipped += 1
            skip()
        else:
            yield Task(found, known.row(found.key))


def _looks_unchanged(found: Found, size: int, mtime_ns: int) -> bool:
    """Whether an image's file has the size and time that its row recorded."""
    if found.place is None:
        return False
    try:
        facts = found.place.look()
    except OSError:
        return False
    if facts is None:  # another one under the same URL would be a surprise
        return True
    return facts.mtime_ns == mtime_ns and facts.size in (UNKNOWN, size)
