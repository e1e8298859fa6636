"""How many images wait where in a run, and how often rows are recorded."""

import math
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass

from sgcampp.run.recording import Written

SECONDS_BETWEEN_WRITES = 0.25
"""Of rows: each write waits for the disk."""
SECONDS_BETWEEN_FAR_WRITES = 5.0
"""Where each write is a request, and sends again what came before."""
THREADS = 2
FAR_THREADS = 16
"""For reading, and for writing, where images or output tree lie elsewhere: most of them wait."""
AHEAD = 12
"""Images, beside two groups, that may wait before and behind the device."""


@dataclass(frozen=True)
class Pace:
    """What a run goes by.

    Attributes:
        reading: threads.
        writing: threads.
        ahead: images that may wait before and behind the device.
        seconds: between two writes of rows.
    """

    reading: int
    writing: int
    ahead: int
    seconds: float


def pace_of(near_sources: bool, near_tree: bool, images: int) -> Pace:
    """The pace of a run. `near_…`: whether requests cost next to nothing; `images`: in a group."""
    reading, writing = (THREADS if near else FAR_THREADS for near in (near_sources, near_tree))
    beside = AHEAD if reading + writing == 2 * THREADS else AHEAD + 2 * FAR_THREADS
    seconds = SECONDS_BETWEEN_WRITES if near_tree else SECONDS_BETWEEN_FAR_WRITES
    return Pace(reading, writing, 2 * images + beside, seconds)


def batches(
    written: Iterable[list[Written]], seconds: float
) -> Generator[list[Written], None, None]:
    """Joins whole groups of rows where they come in quick succession."""
    batch: list[Written] = []
    yielded = -math.inf
    for group in written:
        batch += group
        if time.monotonic() - yielded > seconds:
            yield batch
            batch, yielded = [], time.monotonic()
    if batch:
        yield batch
