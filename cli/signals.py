"""SIGINT and SIGTERM: the first asks the run to finish what is in hand, the second ends it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sgcampp.run.stop import Stop


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Yields a Stop that the first SIGINT or SIGTERM requests; a second one exits with 130."""
    stop = Stop()

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.requested:
            # No clean-up: files appear whole or not at all, and the next run removes leftovers.
            os._exit(130)
        stop.request()
        os.write(2, b"\nsgcampp: finishing what is in hand; once more to leave at once\n")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
