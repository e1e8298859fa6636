"""Conducts one run: find → read → explain → write → record; imports no TensorFlow itself."""

import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext

from sgcampp.config.run_config import RunConfig
from sgcampp.errors import UserError
from sgcampp.run.backlog import Drive, Task, tasks_left
from sgcampp.run.crew import Crew
from sgcampp.run.doubts import doubts
from sgcampp.run.listing import Listing, counted
from sgcampp.run.packing import orphans
from sgcampp.run.recording import Reporter, recording
from sgcampp.run.run_file import write_run_yaml
from sgcampp.run.starting import clear, refuse_own_files, saving
from sgcampp.run.stop import Stop
from sgcampp.run.summary import Summary
from sgcampp.storage.location import store_at
from sgcampp.storage.store import Store
from sgcampp.tree.index import ManifestIndex
from sgcampp.tree.lock import WHOLE, locked, settling
from sgcampp.tree.manifest import manifest_writer
from sgcampp.tree.open_tree import kinds_of
from sgcampp.tree.paths import manifest_part
from sgcampp.tree.present import present
from sgcampp.tree.run_record import RunRecord, read_run_yaml
from sgcampp.tree.tree_writer import remove_leftovers


def run(
    config: RunConfig, reporter: Reporter, drive: Drive | None = None, stop: Stop | None = None
) -> Summary:
    """Explains every image of a config's sources that its output tree does not have yet.

    Args:
        config: with `sources` and `out`.
        reporter: hears of everything.
        drive: how to go about it.
        stop: may ask the run to end early, with all it has done recorded.

    Raises:
        UserError: for a config that can't be run.
        RunStopped: when the disk, the device or too many failures ended it.
    """
    drive, stop = drive or Drive(), stop or Stop()
    begin = time.perf_counter()
    if not config.out:
        raise UserError("no output directory: give -o OUT")
    refuse_own_files(config.sources, config.out, kinds_of(config.write))
    listing = counted(config)
    store = store_at(config.out, drive.part)
    with _crew(listing, store, reporter, drive, stop) as crew, saving(config.out):
        conducted = _Conductor(listing, store, reporter, drive, stop, crew)
        with conducted.locked():
            summary = conducted.run()
    summary.seconds = time.perf_counter() - begin
    return summary


def _crew(
    listing: Listing, store: Store, reporter: Reporter, drive: Drive, stop: Stop
) -> AbstractContextManager[Crew]:
    if drive.on_workers:
        from sgcampp.cluster.opening import workers_for

        return workers_for(listing, store, reporter.note, drive, stop)
    from sgcampp.run.alone import Alone

    return nullcontext(Alone(listing, store, drive, reporter.note, stop))


class _Conductor:
    """One run, from the loaded model to the last row; writes nothing before it holds the lock."""

    def __init__(
        self,
        listing: Listing,
        store: Store,
        reporter: Reporter,
        drive: Drive,
        stop: Stop,
        crew: Crew,
    ) -> None:
        self._listing, self._config, self._store = listing, listing.config, store
        self._reporter, self._drive, self._stop, self._crew = reporter, drive, stop, crew
        self._closing = crew.prepare()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the output tree's lock, tidied up and with its record settled."""
        drive, kinds = self._drive, kinds_of(self._config.write)
        if not self._store.guarded:
            self._reporter.note(
                f"nothing keeps two runs apart in {self._store.shown()}: its store has no locks; "
                "make sure that this is the only one"
            )
        with locked(self._store, drive.part) as killed:
            if killed:
                remove_leftovers(self._store, kinds, None if drive.part == WHOLE else drive.part)
            if drive.overwrite:
                clear(self._store)
            with settling(self._store):
                self._settle()
            if lost := orphans(self._store, drive.part):
                with manifest_writer(self._store, manifest_part(drive.part)) as manifest:
                    manifest.append(lost)
            yield

    def _settle(self) -> None:
        known = read_run_yaml(self._store)
        self._record = self._crew.settle()
        if known is None and self._config.batch_size == "auto":
            self._reporter.note(f"batches of {self._record.batch_size} samples")
        if known is None or self._record != known[1]:
            write_run_yaml(self._store, self._config, self._record)

    def run(self) -> Summary:
        """Explains what is left, and tells what the numbers leave in doubt."""
        total = self._drive.count(self._listing.total)
        summary = Summary(total, closing=self._closing)
        self._reporter.start(summary)
        is_there = present(self._store, kinds_of(self._config.write))
        limit = self._config.max_failures
        with (
            ManifestIndex(self._store, is_there) as known,
            manifest_writer(self._store, manifest_part(self._drive.part)) as manifest,
            closing(self._tasks(known, summary)) as tasks,
            closing(self._crew.explain(tasks, self._record, self._shrink)) as recordable,
            recording(manifest, summary, self._reporter, limit) as recorder,
        ):
            for batch in recordable:
                recorder.record(batch)
        summary.interrupted = self._stop.requested
        for sentence in doubts(summary.rows):
            self._reporter.note(sentence)
        return summary

    def _tasks(self, known: ManifestIndex, summary: Summary) -> Generator[Task, None, None]:
        """What is left to do, one by one; ends when the run shall stop."""
        listing, skip = iter(self._listing), self._reporter.skip
        for task in tasks_left(listing, known, self._drive, summary, skip):
            if self._stop.requested:
                return
            yield task

    def _shrink(self, record: RunRecord) -> None:
        """Records and tells that a device had no memory for B."""
        self._record = record
        write_run_yaml(self._store, self._config, record)
        self._reporter.note(
            f"the device ran out of memory: going on with batches of {record.batch_size}; maps "
            "made before and after may differ in their last digits"
        )
