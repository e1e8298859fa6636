"""Rows that were made are recorded, then counted and told.

While a store elsewhere takes its time over rows, the device goes on with the next images.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from sgcampp.errors import RunStopped
from sgcampp.run.summary import Summary
from sgcampp.tree.manifest import ManifestWriter
from sgcampp.tree.rows import Row


@dataclass(frozen=True)
class Written:
    """A row to record. `fresh`: whether this run explained the image, or failed at it."""

    row: Row
    fresh: bool = True


class Reporter(Protocol):
    """Whoever tells the user how the run goes."""

    def note(self, sentence: str) -> None:
        """Something to know, said once."""

    def start(self, summary: Summary) -> None:
        """The listing is known; the summary goes on counting."""

    def skip(self) -> None:
        """One image was dealt with by an earlier run."""

    def finish(self, row: Row) -> None:
        """One image is done or has failed; its row is written."""


class Recorder:
    """Puts rows into the manifest, counts them and tells of them; made by `recording`.

    Args:
        manifest: where they go.
        summary: counts them.
        reporter: hears of them.
        max_failures: how many may fail, as the config has it.
        pool: of one thread.
    """

    def __init__(
        self,
        manifest: ManifestWriter,
        summary: Summary,
        reporter: Reporter,
        max_failures: str | int | None,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._manifest, self._summary, self._reporter = manifest, summary, reporter
        self._max_failures, self._pool = max_failures, pool
        self._under_way: tuple[Future[None], Sequence[Written]] | None = None

    def record(self, batch: Sequence[Written]) -> None:
        """Records rows whose files are there, in a thread, once those before are safe.

        Raises:
            RunStopped: when there are too many failures.
            OSError: if storage refused rows before; then none of that batch is recorded.
        """
        self.land()
        rows = [done.row for done in batch]
        self._under_way = self._pool.submit(self._manifest.append, rows), batch

    def land(self) -> None:
        """Waits until all rows are safe; see `record`."""
        if self._under_way is None:
            return
        (appended, batch), self._under_way = self._under_way, None
        appended.result()
        for done in batch:
            self._tell(done)

    def _tell(self, done: Written) -> None:
        summary = self._summary
        if not done.fresh:
            summary.skipped += 1
            self._reporter.skip()
            return
        summary.rows.add(done.row)
        self._reporter.finish(done.row)
        if summary.too_many_failures(self._max_failures):
            raise RunStopped(
                f"stopped after {summary.failed} failures "
                f"(max_failures={self._max_failures}); `sgcampp status` lists them"
            )


@contextmanager
def recording(
    manifest: ManifestWriter, summary: Summary, reporter: Reporter, max_failures: str | int | None
) -> Iterator[Recorder]:
    """A recorder; all that it was given is safe, counted and told in the end. See `Recorder`."""
    with ThreadPoolExecutor(1) as pool:
        recorder = Recorder(manifest, summary, reporter, max_failures, pool)
        try:
            yield recorder
        finally:
            recorder.land()
