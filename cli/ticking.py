"""How long work on many images is told: a bar on a terminal, plain lines elsewhere, on stderr."""

import sys
import time

from tqdm import tqdm

from .progress import SECONDS_BETWEEN_LINES
from .streams import tell


class Ticker:
    """Tells how many images are done. A context manager.

    Args:
        unit: what is counted.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._bar: tqdm | None = None
        self._total = self._done = 0
        self._said = time.monotonic()

    def note(self, sentence: str) -> None:
        """Something to know, said once."""
        tell(f"sgcampp: {sentence}")

    def start(self, images: int) -> None:
        """So many are to be done."""
        self._total = images
        if sys.stderr.isatty():
            self._bar = tqdm(total=images, unit=self._unit, smoothing=0.1)

    def finish(self, images: int) -> None:
        """So many more are done."""
        self._done += images
        if self._bar is not None:
            self._bar.update(images)
        elif time.monotonic() - self._said > SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            tell(f"sgcampp: {self._done} of {self._total} {self._unit}s")

    def __enter__(self) -> "Ticker":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()
