"""How far a run has come, read off its output tree alone."""

from dataclasses import dataclass, field
from pathlib import Path

from sgcampp.errors import UserError
from sgcampp.files.index import read_manifest
from sgcampp.files.rows import OK
from sgcampp.files.tree import MANIFEST
from sgcampp.record import read_record


@dataclass
class Status:
    """Counts of an output tree.

    Attributes:
        images: in the listing, when the run last started.
        done: explained.
        failed: by reason, the failed images as (key, error).
    """

    images: int
    done: int = 0
    failed: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    @property
    def failures(self) -> int:
        """Failed images."""
        return sum(map(len, self.failed.values()))

    @property
    def missing(self) -> int:
        """Images without a row."""
        return max(0, self.images - self.done - self.failures)


def read_status(out: Path) -> Status:
    """Counts what an output tree has.

    Raises:
        UserError: for a directory that is no output tree, or a damaged manifest.
    """
    known = read_record(out)
    if known is None:
        raise UserError(f"{out} is no output tree: it has no run.yaml")
    status = Status(known[1].images)
    for row in read_manifest(out / MANIFEST):
        if row.status == OK:
            status.done += 1
        else:
            status.failed.setdefault(row.reason or "", []).append((row.key, row.error or ""))
    return status
