"""Rows that were made are recorded, then counted and told."""

from collections.abc import Sequence
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
    """Puts rows into the manifest, counts them and tells of them.

    Args:
        manifest: where they go.
        summary: counts them.
        reporter: hears of them.
        max_failures: how many may fail, as the config has it.
    """

    def __init__(
        self,
        manifest: ManifestWriter,
        summary: Summary,
        reporter: Reporter,
        max_failures: str | int | None,
    ) -> None:
        self._manifest, self._summary, self._reporter = manifest, summary, reporter
        self._max_failures = max_failures

    def record(self, batch: Sequence[Written]) -> None:
        """Records rows whose files are there.

        Raises:
            RunStopped: when there are too many failures.
            OSError: if storage refuses; then none of these rows is recorded.
        """
        self._manifest.append([done.row for done in batch])
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
