"""A request to stop, made by a signal and honoured between two pieces of work."""

import time
from dataclasses import dataclass

GRACE = 5.0
"""Seconds that the group in hand gets to finish."""


@dataclass
class Stop:
    """Whether, and since when, the run shall stop."""

    asked: float | None = None

    def request(self) -> None:
        """Asks the run to finish what is in hand and leave."""
        self.asked = time.monotonic()

    @property
    def requested(self) -> bool:
        """Whether the run shall start nothing new."""
        return self.asked is not None

    def overdue(self) -> bool:
        """Whether even the group in hand shall be left."""
        return self.asked is not None and time.monotonic() - self.asked > GRACE
