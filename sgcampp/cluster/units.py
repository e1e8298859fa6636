"""Which pieces of a listing which worker has, and what becomes of those whose worker dies."""

import itertools
import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sgcampp.run.backlog import Task

AHEAD = 2
"""Units a worker: the one in its hands, and the next."""
SHARES = 4
"""Units, at least, that each worker gets of a run: so that the last ones end together."""
GROUPS, LEAST = 4, 32
"""Groups of images in a unit at most, unless that is less than so many images."""
LOST_ALONE, GIVEN_UP = 2, 3
"""Losses of a worker after which a unit is tried image by image, and no more."""


@dataclass(frozen=True, eq=False)
class Unit:
    """Images that follow each other in the listing.

    Attributes:
        number: from 0 on, not that of another one.
        tasks: the images.
        losses: workers that died with it in their hands.
        apart: whether a worker that died had it: the next one has nothing else, so that it is
            known what it died of.
    """

    number: int
    tasks: tuple[Task, ...]
    losses: int = 0
    apart: bool = False


def unit_size(images_per_step: int, images: int, workers: int) -> int:
    """Images in a unit: some groups, but so few that every worker gets its share of the run."""
    return max(1, min(max(GROUPS * images_per_step, LEAST), math.ceil(images / workers / SHARES)))


class Ledger:
    """Cuts tasks into units, and remembers who has which.

    What it holds is bounded by the workers there are, whatever the length of the listing.

    Args:
        tasks: drawn when a worker is free.
        size: images in a unit.
    """

    def __init__(self, tasks: Iterator[Task], size: int) -> None:
        self._tasks, self._size = tasks, size
        self._numbers = itertools.count()
        self._waiting: deque[Unit] = deque()
        self._held: dict[str, deque[Unit]] = {}

    @property
    def held(self) -> bool:
        """Whether any worker has a unit."""
        return any(self._held.values())

    def holders(self) -> list[str]:
        """The workers that have units."""
        return [worker for worker, units in self._held.items() if units]

    def hand_out(self, workers: Iterable[str]) -> Iterator[tuple[str, Unit]]:
        """Gives workers units until each has `AHEAD`, or there are no more."""
        workers = list(workers)
        for already in range(AHEAD):
            for worker in workers:
                held = self._held.setdefault(worker, deque())
                apart = already and any(unit.apart for unit in (*held, *self._waiting))
                if len(held) <= already and not apart:
                    unit = self._next()
                    if unit is None:
                        return
                    held.append(unit)
                    yield worker, unit

    def done(self, worker: str, unit: Unit) -> bool:
        """Strikes a unit off; False if the worker did not have it any more."""
        held = self._held.get(worker, deque())
        if unit not in held:
            return False
        held.remove(unit)
        return True

    def takes_back(self, worker: str) -> None:
        """Takes all units from a worker that may not go on."""
        self._waiting.extendleft(reversed(self._held.pop(worker, deque())))

    def lost(self, worker: str) -> tuple[list[Unit], list[Task]]:
        """Notes that a worker died. The first of its units was in its hands, and is suspected.

        Returns:
            The units that it had, which others get, and the images that are given up.
        """
        held = list(self._held.pop(worker, deque()))
        if not held:
            return held, []
        suspect, *others = held
        losses = suspect.losses + 1
        self._waiting.extendleft(replace(unit, apart=True) for unit in reversed(others))
        if losses >= GIVEN_UP:
            return held, list(suspect.tasks)
        if losses == LOST_ALONE:
            parts = [Unit(next(self._numbers), (task,), losses, True) for task in suspect.tasks]
            self._waiting.extendleft(reversed(parts))
        else:
            self._waiting.appendleft(replace(suspect, losses=losses, apart=True))
        return held, []

    def _next(self) -> Unit | None:
        if self._waiting:
            return self._waiting.popleft()
        tasks = tuple(itertools.islice(self._tasks, self._size))
        return Unit(next(self._numbers), tasks) if tasks else None
