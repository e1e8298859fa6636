"""What came of a run, its exit code, and when it has failed too often."""

from dataclasses import dataclass, field

from sgcampp.tree.tally import Tally

JUDGED_FROM = 20
"""Images before a share of failures is judged."""


@dataclass
class Summary:
    """Counts of a run.

    Attributes:
        total: images in the listing (of a shard: its own).
        skipped: done by earlier runs.
        failed_before: failed in earlier runs, and not tried again.
        rows: counts of the rows that this run has written.
        seconds: of the whole run.
        interrupted: whether a signal ended it.
        closing: what the last line of the run adds.
    """

    total: int = 0
    skipped: int = 0
    failed_before: int = 0
    rows: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    interrupted: bool = False
    closing: str = ""

    @property
    def explained(self) -> int:
        """Images that this run explained."""
        return self.rows.explained

    @property
    def failed(self) -> int:
        """Images that this run could not explain, each with a row."""
        return self.rows.failed

    @property
    def done(self) -> int:
        """Images that are dealt with, by this run or before."""
        return self.skipped + self.failed_before + self.explained + self.failed

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

    def too_many_failures(self, limit: str | int | None) -> bool:
        """Whether this run has failed more often than a count, or a share like `5%`, allows."""
        if limit is None:
            return False
        if isinstance(limit, int):
            return self.failed > limit
        tried = self.explained + self.failed
        return tried >= JUDGED_FROM and self.failed > tried * float(limit.rstrip("%")) / 100
