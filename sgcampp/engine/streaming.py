"""A stream of images goes through all engines, and each image comes out when it is done."""

import itertools
import time
from collections.abc import Callable, Iterator

import numpy as np

from sgcampp.engine.ensemble import Ensemble, Layout, Runs
from sgcampp.engine.grid import Grid
from sgcampp.engine.slots import Slots, Subject


def stream(
    ensemble: Ensemble,
    subjects: Iterator[Subject],
    layout: Layout,
    give_up: Callable[[], bool] = lambda: False,
) -> Iterator[Subject]:
    """Explains images, each with as many samples as the ensemble's tolerance asks for.

    An engine whose maps have errors holds as many images as the layout has; the next image enters
    when one is done. The other engines take them in groups.

    Args:
        ensemble: traced.
        subjects: drawn when there is room for one.
        layout: of the ensemble.
        give_up: asked before each step.

    Yields:
        The subjects with the results of all engines, in the order in which they are done.

    Raises:
        UserError: for a class that the model does not have.
        GaveUp: when `give_up` said so; what is under way has no result.
        DeviceMemoryError: when the device has no memory for the layout's batches; the same.
    """
    for engine, grid in zip(ensemble.engines, layout.grids, strict=True):
        if ensemble.is_open(engine):
            slots = Slots(engine, grid, ensemble.tolerance or 0.0)
            subjects = _through_slots(slots, subjects, give_up)
        else:
            subjects = _through_groups(engine, grid, subjects, give_up)
    return subjects


def _through_slots(
    slots: Slots, subjects: Iterator[Subject], give_up: Callable[[], bool]
) -> Iterator[Subject]:
    while True:
        for subject in itertools.islice(subjects, slots.free):
            slots.enter(subject)
        if not slots.taken:
            return
        yield from slots.advance(give_up)


def _through_groups(
    engine: Runs, grid: Grid, subjects: Iterator[Subject], give_up: Callable[[], bool]
) -> Iterator[Subject]:
    while group := list(itertools.islice(subjects, grid.images)):
        begin = time.perf_counter()
        images = np.stack([subject.image for subject in group])
        codes = np.stack([subject.codes for subject in group])
        result = engine.run(images, codes, grid, give_up)
        for at, subject in enumerate(group):
            subject.seconds += (time.perf_counter() - begin) / len(group)
            subject.add(result.only(at))
        yield from group
