"""What came of a run, its exit code, and when it has failed too often."""

from dataclasses import dataclass

from sgcampp.tree.rows import FAILED, OK, MapRecord, Row

JUDGED_FROM = 20
"""Images before a share of failures is judged."""

INCOMPLETE = 0.05
"""Share of the score's rise that integrated gradients may miss unremarked."""


@dataclass
class Summary:
    """Counts of a run.

    Attributes:
        total: images in the listing (of a shard: its own).
        skipped: done by earlier runs.
        failed_before: failed in earlier runs, and not tried again.
        explained: done by this run.
        failed: images that this run could not explain, each with a row.
        maps: maps made by this run.
        flat: those of them that are all zeros.
        poorly_sampled: those whose samples were worth less than half of n.
        incomplete: those of integrated gradients that miss the score's rise by too much.
        seconds: of the whole run.
        interrupted: whether a signal ended it.
    """

    total: int = 0
    skipped: int = 0
    failed_before: int = 0
    explained: int = 0
    failed: int = 0
    maps: int = 0
    flat: int = 0
    poorly_sampled: int = 0
    incomplete: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """0 if all images are explained, 1 if some failed, 130 if a signal ended the run."""
        if self.interrupted:
            return 130
        return 1 if self.failed or self.failed_before else 0

    def __str__(self) -> str:
        parts = [f"{self.explained} explained"]
        parts += [f"{self.skipped} done before"] * bool(self.skipped)
        parts += [f"{self.failed} failed"] * bool(self.failed)
        before = f"{self.failed_before} failed before (--retry-failed tries them again)"
        parts += [before] * bool(self.failed_before)
        return f"{', '.join(parts)} of {self.total} images in {self.seconds:.1f} s"

    def add(self, row: Row) -> None:
        """Counts one row that this run has written."""
        self.explained += row.status == OK
        self.failed += row.status == FAILED
        self.maps += len(row.maps)
        self.flat += sum(record.reason is not None for record in row.maps)
        self.poorly_sampled += sum(map(_is_poorly_sampled, row.maps))
        self.incomplete += sum((record.completeness or 0) > INCOMPLETE for record in row.maps)

    def too_many_failures(self, limit: str | int | None) -> bool:
        """Whether this run has failed more often than a count, or a share like `5%`, allows."""
        if limit is None:
            return False
        if isinstance(limit, int):
            return self.failed > limit
        tried = self.explained + self.failed
        return tried >= JUDGED_FROM and self.failed > tried * float(limit.rstrip("%")) / 100


def _is_poorly_sampled(record: MapRecord) -> bool:
    copies = record.nsamples or 0
    return copies > 1 and record.ess is not None and record.ess < copies / 2
