"""A run's crew that is this process."""

from collections.abc import Callable, Generator, Iterator

from sgcampp.run.background import Making
from sgcampp.run.backlog import Drive, Task
from sgcampp.run.listing import Listing
from sgcampp.run.prepared import Prepared
from sgcampp.run.recording import Written
from sgcampp.run.stop import Stop
from sgcampp.storage.store import Store
from sgcampp.tree.run_record import RunRecord


class Alone:
    """See `crew.Crew`.

    Args:
        listing: all images of the run.
        store: its output tree.
        drive: how it is driven.
        note: hears sentences.
        stop: ends it early.
    """

    def __init__(
        self,
        listing: Listing,
        store: Store,
        drive: Drive,
        note: Callable[[str], None],
        stop: Stop,
    ) -> None:
        self._listing, self._store, self._drive = listing, store, drive
        self._making, self._stop = Making(note, lambda: stop.requested), stop

    def prepare(self) -> str:
        """See `Crew`."""
        self._prepared = Prepared(self._listing, self._store, self._making, self._drive.overwrite)
        return self._prepared.closing

    def settle(self) -> RunRecord:
        """See `Crew`."""
        return self._prepared.settle()

    def explain(
        self, tasks: Iterator[Task], record: RunRecord, on_smaller: Callable[[RunRecord], None]
    ) -> Generator[list[Written], None, None]:
        """See `Crew`."""
        one_by_one = ([task] for task in tasks)
        return self._prepared.explain(one_by_one, record, self._stop, on_smaller, self._drive.part)
