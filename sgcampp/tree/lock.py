"""Locks that a crash leaves free: one run at a time in an output tree, or one a shard."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sgcampp.errors import UserError
from sgcampp.tree.paths import MANIFEST
from sgcampp.tree.regular import open_own

WHOLE = 0
"""The manifest part of a run that is no shard."""


@contextmanager
def locked(root: str | os.PathLike[str], part: int) -> Iterator[bool]:
    """Holds the right to write one part of an output tree's manifest.

    A whole run (part 0) excludes every other run; shards exclude only a whole run and themselves.
    The operating system frees the locks when the process ends, however it ends.

    Yields:
        Whether the last holder of the part (for a whole run: of any part) was killed, so that it
        may have left temporary files.

    Raises:
        UserError: if another process holds it, or a lock file is a link.
        OSError: if the lock files can't be made.
    """
    directory = Path(root) / MANIFEST
    directory.mkdir(parents=True, exist_ok=True)
    sharing = fcntl.LOCK_EX if part == WHOLE else fcntl.LOCK_SH
    own = directory / f"part-{part:05d}.lock"
    with _held(directory / "run.lock", sharing, root), _held(own, fcntl.LOCK_EX, root) as file:
        marks = directory.glob("part-*.lock") if part == WHOLE else [own]
        killed = [path for path in marks if _size(path)]
        file.write(b"running")
        file.flush()
        try:
            yield bool(killed)
        finally:
            for path in {own, *killed}:
                with open_own(path, "ab") as mark:
                    mark.truncate(0)


@contextmanager
def settling(root: str | os.PathLike[str]) -> Iterator[None]:
    """Makes shards that start at once settle the run's record one after the other; waits."""
    with open_own(Path(root) / MANIFEST / "settle.lock", "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_locked(root: str | os.PathLike[str]) -> bool:
    """Whether some process is writing to the output tree."""
    for path in (Path(root) / MANIFEST).glob("part-*.lock"):
        with open_own(path, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False


@contextmanager
def _held(path: Path, kind: int, root: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    with open_own(path, "ab") as file:
        if not _taken(file, kind):
            raise UserError(
                f"another process is writing to {os.fsdecode(root)}: wait for it, choose another "
                "output directory, or run both as shards of their own"
            )
        yield file


def _size(path: Path) -> int:
    with open_own(path, "rb") as file:
        return os.fstat(file.fileno()).st_size


def _taken(file: BinaryIO, kind: int) -> bool:
    for attempt in range(3):  # `is_locked` of another process may hold it for an instant
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02 * attempt)
        else:
            return True
    return False
