"""Images that take as many samples as their maps need, side by side in the slots of an engine.

A step runs the next slice of each image in a slot, whichever slice that is; an image that is done
leaves its slot to the next one. Shapes stay the same throughout, and an image's sums are of its own
samples alone, so its maps are the same to the bit whatever its neighbours.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.device import GaveUp
from sgcampp.engine.engine import Engine
from sgcampp.engine.grid import Grid
from sgcampp.engine.results import GroupResult
from sgcampp.explain.classes import check_codes

PATIENCE = 0.9
"""Share of the samples foreseen after which a map is looked at again: the error is a guess too."""


@dataclass(eq=False)
class Subject:
    """An image on its way through the engines.

    Attributes:
        what: whatever the caller knows it by.
        image: float32 [H, W, C].
        codes: int32 [T, 2], class codes; resolved once the first engine has seen it.
        results: of each engine so far, groups of one image.
        seconds: its share of the engines' time.
    """

    what: Any
    image: NDArray[np.float32]
    codes: NDArray[np.int32]
    results: list[GroupResult] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, result: GroupResult) -> None:
        """Takes what another engine found."""
        self.results.append(result)
        self.codes = self.results[0].classes.codes()[0]


@dataclass(eq=False)
class _Slot:
    """An image in a slot. `steps`: that it has had; `due`: samples at which to look at its maps."""

    subject: Subject
    due: float
    steps: int = 0


class Slots:
    """The slots of one engine with noised samples.

    Args:
        engine: whose maps have errors.
        grid: from `grid.lay_out_open`.
        tolerance: largest `relative_se` of a map that is done.
    """

    def __init__(self, engine: Engine, grid: Grid, tolerance: float) -> None:
        self._engine, self._grid, self._tolerance = engine, grid, tolerance
        self._most = engine.plan.sampling.nsamples
        self._slots: list[_Slot | None] = [None] * grid.images
        self._images = np.zeros((grid.images, *engine.input_shape), np.float32)
        self._state = engine.start(
            np.zeros((grid.images, engine.classes, 2), np.int32), self._images
        )

    @property
    def taken(self) -> int:
        """How many slots hold an image."""
        return sum(slot is not None for slot in self._slots)

    @property
    def free(self) -> int:
        """How many do not."""
        return len(self._slots) - self.taken

    def enter(self, subject: Subject) -> None:
        """Puts an image into a free slot; UserError for a class that the model does not have."""
        check_codes(subject.codes, self._engine.plan.class_count)
        at = self._slots.index(None)
        self._slots[at] = _Slot(subject, due=self._engine.plan.groups)
        self._images[at] = subject.image
        self._state = self._engine.with_codes(self._state, at, subject.codes)

    def advance(self, give_up: Callable[[], bool]) -> list[Subject]:
        """Runs a slice of each image; returns those that are done, in the order of their slots.

        Raises:
            GaveUp: when `give_up` said so.
            DeviceMemoryError: when the device has no memory for the batch.
        """
        if give_up():
            raise GaveUp
        begin, taken = time.perf_counter(), self.taken
        slices = [self._grid.slices[slot.steps if slot else 0] for slot in self._slots]
        # The samples of an empty slot have numbers that count for nothing.
        taken_by_image = np.array([slot is not None for slot in self._slots])[:, None]
        numbers = np.where(taken_by_image, np.stack(slices), -1).astype(np.int32)
        self._state = self._engine.step(self._images, numbers, slices, self._state)
        done = [at for at, slot in enumerate(self._slots) if slot and self._is_done(slot, at)]
        share = (time.perf_counter() - begin) / taken
        for slot in self._slots:
            if slot:
                slot.subject.seconds += share
        return [self._leave(at) for at in done]

    def _leave(self, at: int) -> Subject:
        slot = self._slots[at]
        assert slot is not None
        self._slots[at] = None
        return slot.subject

    def _is_done(self, slot: _Slot, at: int) -> bool:
        """Whether an image's maps are sure enough, or have all samples; then it gets them."""
        slot.steps += 1
        samples = min(slot.steps * len(self._grid.slices[0]) - 1, self._most)
        if samples < min(slot.due, self._most):
            return False
        result = self._engine.result_of(self._state, at, samples)
        excess = max(_excess(result, self._tolerance), default=0.0)
        if samples < self._most and excess > 1:
            slot.due = PATIENCE * samples * excess**2  # errors fall like 1 / sqrt(n)
            return False
        slot.subject.add(result)
        return True


def _excess(result: GroupResult, tolerance: float) -> list[float]:
    """The errors of all maps of one image over the tolerance; infinite for one without anything.

    A map that is all zeros so far, but not without each of the groups, may still become one. What
    is not finite stays so.
    """
    found: list[float] = []
    for look, maps in result.maps.items():
        if result.seen[look].groups:
            unknown = np.where(maps.se.any((-2, -1)), np.inf, 0)
            errors = np.where(np.isnan(maps.relative_se), unknown, maps.relative_se)
            found += (errors / tolerance).ravel().tolist()
    return found
