"""A run's crew that is the workers of a Dask cluster."""

import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

from distributed import Client

from sgcampp.cluster import worker as work
from sgcampp.cluster.calls import Answer, Calls, Lost
from sgcampp.cluster.hands import EVERY, Hands
from sgcampp.cluster.units import GIVEN_UP, Ledger, Unit, unit_size
from sgcampp.errors import RunStopped
from sgcampp.images.faults import Reason
from sgcampp.run.backlog import Task
from sgcampp.run.packing import next_number
from sgcampp.run.recording import Written
from sgcampp.run.stop import GRACE, Stop
from sgcampp.storage.store import Store
from sgcampp.tree.lock import WHOLE
from sgcampp.tree.open_tree import kinds_of
from sgcampp.tree.rows import FAILED, OK, Row
from sgcampp.tree.run_record import RunRecord
from sgcampp.tree.shards import shard_name, shard_of
from sgcampp.tree.tree_writer import remove_leftovers

LEAVING = GRACE + 5.0
"""Seconds that workers get to bring what is in their hands, once the run shall stop."""
ENDING = 120
"""Looks, one a second, at workers that still write for a dead run."""
TOGETHER = 1000
"""Rows, about, that are recorded at once where they come faster than the disk takes them."""
LOOKS = 5
"""At a file that a worker wrote: network disks may show it late."""


class Workers:
    """See `crew.Crew`.

    Args:
        client: of the cluster.
        hands: who works there.
        order: what they must know.
        store: the output tree.
        note: hears sentences.
        stop: ends the run early.
    """

    def __init__(
        self,
        client: Client,
        hands: Hands,
        order: work.Order,
        store: Store,
        note: Callable[[str], None],
        stop: Stop,
    ) -> None:
        self._hands, self._order = hands, order
        self._store, self._note, self._stop = store, note, stop
        self._calls = Calls(client, order.name)
        self._told_to_stop: float | None = None

    def prepare(self) -> str:
        """See `Crew`: the first worker does it, the others when they have their first images."""
        ready = self._ask(work.prepare)
        for sentence in ready.notes:
            self._note(sentence)
        return ready.closing

    def settle(self) -> RunRecord:
        """See `Crew`."""
        self._end_others()
        return self._ask(work.settle)

    def _end_others(self) -> None:
        """Waits for workers that have not heard yet that the run before this one is dead."""
        about = self._order.name, self._order.listing.config.out
        for _ in range(ENDING):
            if not any(self._hands.tell(self._hands.fit(), work.end_others, *about).values()):
                return
            time.sleep(1)
        raise RunStopped(
            "workers still write for a run that is dead: the same command goes on once they end"
        )

    def _ask(self, function: Callable) -> Any:
        """What some worker answers; when it dies, another is asked."""
        for _ in range(GIVEN_UP):
            asked = self._first()
            self._calls.start(asked, None, function, self._order)
            answer = None
            while answer is None and asked in self._hands.fit():
                answer = self._calls.ended(EVERY)
                self._pass_on_stop()
            if answer is not None and answer.what is not Lost:
                return _checked(answer.what)
            self._calls.drop(asked)
            self._hands.gone(asked)
            self._note(f"worker {asked} died while it loaded the model")
        raise RunStopped(f"{GIVEN_UP} workers died while they loaded the model, as without memory")

    def _first(self) -> str:
        while not (fit := self._hands.fit()):
            self._pass_on_stop()
            if self._stop.requested:
                raise KeyboardInterrupt
            time.sleep(EVERY / 10)
        return fit[0]

    def _pass_on_stop(self) -> None:
        """Tells workers, once, when the run shall stop."""
        if self._stop.requested and self._told_to_stop is None:
            self._told_to_stop = time.monotonic()
            self._tell_to_stop()

    def _tell_to_stop(self) -> None:
        self._hands.tell(self._calls.workers(), work.stop, self._order.name)

    def explain(
        self, tasks: Iterator[Task], record: RunRecord, on_smaller: Callable[[RunRecord], None]
    ) -> Generator[list[Written], None, None]:
        """See `Crew`."""
        config, total = self._order.listing.config, self._order.listing.total
        packed = config.layout == "tar"
        self._record, self._on_smaller = record, on_smaller
        self._shards = next_number(self._store, WHOLE) if packed else None
        workers = max(1, len(self._hands.fit()))
        size = config.shard_size if packed else unit_size(record.images_per_step, total, workers)
        self._ledger, self._deaths, self._trusted = Ledger(tasks, size), 0, set[str]()
        try:
            yield from self._rounds()
        finally:
            self._tell_to_stop()
            self._calls.close()
        if self._deaths:
            remove_leftovers(self._store, kinds_of(config.write))

    def _rounds(self) -> Generator[list[Written], None, None]:
        rows: list[Written] = []
        while True:
            fit = self._hands.fit()
            self._pass_on_stop()
            for gone in set(self._ledger.holders()).difference(fit):
                rows += self._lost(gone)
            if not self._stop.requested:
                self._hand_out(fit)
            if rows:
                yield rows
            if self._is_over(fit):
                return
            rows = self._brought()

    def _is_over(self, fit: list[str]) -> bool:
        if self._told_to_stop is not None and time.monotonic() - self._told_to_stop > LEAVING:
            return True
        return not self._ledger.held and bool(fit or self._stop.requested)

    def _brought(self) -> list[Written]:
        """Waits for an answer; its rows, and those of others that are there by now."""
        rows: list[Written] = []
        answer = self._calls.ended(EVERY / 2)
        while answer is not None:
            rows += self._rows(answer)
            answer = self._calls.ended(0) if len(rows) < TOGETHER else None
        return rows

    def _hand_out(self, fit: list[str]) -> None:
        for worker, unit in self._ledger.hand_out(fit):
            shard = None if self._shards is None else self._shards + unit.number
            given = (self._order, self._record, unit, shard)
            self._calls.start(worker, unit, work.explain, *given)

    def _rows(self, answer: Answer) -> list[Written]:
        """The rows that an answer brings, if any."""
        worker, unit, what = answer
        if what is Lost:
            return self._lost(worker)
        done = _checked(what)
        if isinstance(done, work.Unfit):
            self._ledger.takes_back(worker)
            self._calls.drop(worker)
            self._hands.refuse(worker, done.reason)
            return []
        if not self._ledger.done(worker, unit):
            return []
        self._check_seen(worker, done.rows)
        if done.smaller and done.smaller.batch_size < self._record.batch_size:
            self._record = done.smaller
            self._on_smaller(done.smaller)
        return done.rows

    def _lost(self, worker: str) -> list[Written]:
        """Gives what a dead worker had to others; rows of what is given up."""
        self._hands.fit()  # raises when it is the scheduler that died
        self._hands.gone(worker)
        self._calls.drop(worker)
        held, given_up = self._ledger.lost(worker)
        if not held:
            return []
        self._deaths += 1
        self._forget_shard(held[0])
        images = sum(len(unit.tasks) for unit in held)
        self._note(f"worker {worker} died: what it had, {images} images, goes to others")
        return [Written(_lost_row(task)) for task in given_up]

    def _forget_shard(self, unit: Unit) -> None:
        """Removes what a dead worker may have finished without a word: its images come again."""
        if self._shards is not None:
            self._store.remove(shard_name(WHOLE, self._shards + unit.number))

    def _check_seen(self, worker: str, rows: list[Written]) -> None:
        """Raises RunStopped if the first files of a worker are not where this process looks."""
        if worker in self._trusted:
            return
        for row in (one.row for one in rows if one.row.status == OK and one.fresh):
            files = {**row.files, **(row.maps[0].files if row.maps else {})}
            for path in list(files.values())[:1]:
                if not self._is_there(shard_of(path) or path):
                    raise RunStopped(
                        f"worker {worker} wrote {path}, and here is no such file: OUT must be a "
                        "disk that all of them share, or a URL"
                    )
                self._trusted.add(worker)
                return

    def _is_there(self, path: str) -> bool:
        for _ in range(LOOKS):
            if self._store.exists(path):
                return True
            time.sleep(1)
        return False


def _checked(what: Any) -> Any:
    if isinstance(what, work.Trouble):
        raise what.error
    return what


def _lost_row(task: Task) -> Row:
    return Row(
        key=task.found.key,
        status=FAILED,
        reason=Reason.WORKER_LOST.value,
        error=f"{GIVEN_UP} workers died while they had it, the last two with it alone",
        finished=time.time(),
    )
