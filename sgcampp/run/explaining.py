"""The second stage: images in groups become saliency maps, in the caller's thread."""

import contextlib
import itertools
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from sgcampp.engine.device import DeviceMemoryError, GaveUp, halved, with_memory
from sgcampp.engine.ensemble import Ensemble, Layout
from sgcampp.engine.results import GroupResult
from sgcampp.engine.slots import Subject
from sgcampp.engine.streaming import stream
from sgcampp.run.reading import Failed, Loaded, Ready, Unchanged
from sgcampp.run.stop import Stop


@dataclass(frozen=True, eq=False)
class Explained:
    """One image with its maps: the at-th of a group's result. `seconds`: its share of the time."""

    image: Ready
    result: GroupResult
    at: int
    seconds: float


Outcome = Explained | Unchanged | Failed


class StreamExplainer:
    """Runs a stream of images through the engines.

    Args:
        ensemble: traced.
        batch_size: B.
        layout: of that B.
        stop: asked before each group and slice.
        on_smaller: called with (B, layout) when the device had no memory and B was halved.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        batch_size: int,
        layout: Layout,
        stop: Stop,
        on_smaller: Callable[[int, Layout], None],
    ) -> None:
        self._ensemble = ensemble
        self._batch_size, self._layout = batch_size, layout
        self._stop, self._on_smaller = stop, on_smaller

    def __call__(self, images: Iterable[Loaded]) -> Generator[list[Outcome], None, None]:
        """Explains a stream of images; what can't be explained passes along."""
        if self._ensemble.tolerance is not None:
            yield from self._one_by_one(images)
        else:
            yield from self._by_groups(images)

    def _one_by_one(self, images: Iterable[Loaded]) -> Generator[list[Outcome], None, None]:
        """Each image when it is done, in whatever order."""
        passing: list[Outcome] = []
        try:
            for explained in self._explained(self._ready(images, passing)):
                yield [*passing, explained]
                passing.clear()
        except GaveUp:
            pass
        if passing:
            yield passing

    def _ready(self, images: Iterable[Loaded], passing: list[Outcome]) -> Iterator[Ready]:
        """The images that can be explained, until the run shall stop; the others go to a list."""
        for image in images:
            if self._stop.requested:
                return
            if isinstance(image, Ready):
                yield image
            else:
                passing.append(image)

    def _explained(self, images: Iterator[Ready]) -> Iterator[Explained]:
        """What is under way when the device has no memory starts afresh, in smaller batches."""
        under_way: dict[int, Ready] = {}

        def subject(image: Ready) -> Subject:
            under_way[id(image)] = image
            return Subject(image, image.model_input, image.codes)

        while True:
            subjects = map(subject, itertools.chain(list(under_way.values()), images))
            try:
                for done in stream(self._ensemble, subjects, self._layout, self._stop.overdue):
                    result = self._ensemble.joined(done.results)
                    yield Explained(under_way.pop(id(done.what)), result, 0, done.seconds)
                return
            except DeviceMemoryError:
                self._halve(halved(self._batch_size))

    def _by_groups(self, images: Iterable[Loaded]) -> Generator[list[Outcome], None, None]:
        """Group by group, in the order of the stream."""
        with contextlib.closing(_groups(images, lambda: self._layout.images)) as groups:
            for group in groups:
                if self._stop.requested:
                    return
                try:
                    yield self._explain(group)
                except GaveUp:
                    return

    def _explain(self, group: list[Loaded]) -> list[Outcome]:
        ready = [image for image in group if isinstance(image, Ready)]
        explained: dict[int, Explained] = {}
        while len(explained) < len(ready):
            begin = time.perf_counter()
            left = ready[len(explained) :]
            result, count = with_memory(
                partial(self._run, left), lambda: self._batch_size, self._halve
            )
            seconds = (time.perf_counter() - begin) / count
            for at, image in enumerate(left[:count]):
                explained[id(image)] = Explained(image, result, at, seconds)
        return [explained[id(image)] if isinstance(image, Ready) else image for image in group]

    def _run(self, ready: list[Ready]) -> tuple[GroupResult, int]:
        """The result of as many images as the layout takes, and how many these are."""
        part = ready[: self._layout.images]
        images = np.stack([image.model_input for image in part])
        codes = np.stack([image.codes for image in part])
        return self._ensemble.run(images, codes, self._layout, self._stop.overdue), len(part)

    def _halve(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._layout = self._ensemble.lay_out(batch_size, self._layout.images)
        self._on_smaller(batch_size, self._layout)


def _groups(
    images: Iterable[Loaded], size: Callable[[], int]
) -> Generator[list[Loaded], None, None]:
    """Cuts a stream so that each group has at most `size()` images that can be explained."""
    group: list[Loaded] = []
    ready = 0
    for image in images:
        group.append(image)
        ready += isinstance(image, Ready)
        if ready >= size():
            yield group
            group, ready = [], 0
    if group:
        yield group
