"""Who explains the images of a run: this process, or others (`cluster/`) for it."""

from collections.abc import Callable, Generator, Iterator
from typing import Protocol

from sgcampp.run.backlog import Task
from sgcampp.run.recording import Written
from sgcampp.tree.run_record import RunRecord


class Crew(Protocol):
    """What a run has done for it."""

    def prepare(self) -> str:
        """Loads and traces the model; returns what the last line of the run adds.

        Raises:
            UserError: for a config that can't be run, or an output tree of another run.
        """

    def settle(self) -> RunRecord:
        """The record to go on with, once the run holds the output tree's lock."""

    def explain(
        self, tasks: Iterator[Task], record: RunRecord, on_smaller: Callable[[RunRecord], None]
    ) -> Generator[list[Written], None, None]:
        """Explains images; yields their rows once their files are there.

        Args:
            tasks: drawn lazily; ends when the run shall stop.
            record: as settled.
            on_smaller: told the record to go on with when a device had no memory for B.
        """
