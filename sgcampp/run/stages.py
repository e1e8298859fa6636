"""The stages an image passes before it is written: read, explain."""

import contextlib
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.engine import DeviceMemoryError, GaveUp, GroupResult
from sgcampp.engine.ensemble import Ensemble, Layout
from sgcampp.errors import RunStopped
from sgcampp.images.decode import Picture, read_image
from sgcampp.images.faults import ImageError
from sgcampp.models.classifier import Classifier
from sgcampp.run.backlog import Task
from sgcampp.run.stop import Stop
from sgcampp.run.targets import Targets
from sgcampp.tree.rows import Row

KEPT_BYTES = 6_000_000
"""Larger pictures are decoded again when they are drawn, so that the queues stay small."""


@dataclass(frozen=True)
class Loaded:
    """One image read and prepared, or the reason why not.

    Attributes:
        task: the image.
        picture: its pixels are dropped if they are large.
        model_input: float32 [H, W, C].
        codes: int32 [T, 2], class codes.
        view: the rectangle (top, left, height, width) of the picture that the model sees.
        error: why it can't be explained.
        unchanged: its old row, if its bytes are the same after all.
    """

    task: Task
    picture: Picture | None = None
    model_input: NDArray[np.float32] | None = None
    codes: NDArray[np.int32] | None = None
    view: tuple[float, float, float, float] | None = None
    error: ImageError | None = None
    unchanged: Row | None = None


@dataclass(frozen=True)
class Explained:
    """One image with its maps, at place `at` of a group's result; or as it was loaded.

    `last`: whether its group ends with it.
    """

    loaded: Loaded
    result: GroupResult | None = None
    at: int = 0
    seconds: float = 0.0
    last: bool = False


class Reader:
    """Reads and prepares images; its calls run in threads."""

    def __init__(self, classifier: Classifier, targets: Targets, max_pixels: int) -> None:
        self._classifier, self._targets = classifier, targets
        self._max_pixels = max_pixels

    def __call__(self, task: Task) -> Loaded:
        """Reads one image; faults become part of the result."""
        if task.found.error:
            return Loaded(task, error=task.found.error)
        try:
            codes = self._targets.of(task.found.key)
            picture = read_image(task.found.path, self._max_pixels)
        except ImageError as error:
            return Loaded(task, error=error)
        if task.before is not None and task.before.sha256 == picture.sha256:
            seen = replace(task.before, bytes=picture.bytes, mtime_ns=picture.mtime_ns)
            return Loaded(task, unchanged=replace(seen, finished=time.time()))
        view = self._classifier.preprocessing.view(*picture.rgb.shape[:2])
        model_input = self._classifier.preprocess(picture.rgb)[0]
        if picture.rgb.nbytes > KEPT_BYTES:
            picture = replace(picture, rgb=picture.rgb[:0].copy())
        return Loaded(task, picture, model_input, codes, view)


class Grouper:
    """Runs groups of images through the engine, in the caller's thread.

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

    def __call__(self, images: Iterator[Loaded]) -> Generator[Explained, None, None]:
        """Explains a stream of images in its order; those with an error pass in their place."""
        with contextlib.closing(_groups(images, lambda: self._layout.images)) as groups:
            for group in groups:
                if self._stop.requested:
                    return
                try:
                    yield from self._explain(group)
                except GaveUp:
                    return

    def _explain(self, group: list[Loaded]) -> Iterator[Explained]:
        results = self._run([x for x in group if x.model_input is not None])
        for loaded in group:
            last = loaded is group[-1]
            if loaded.model_input is None:
                yield Explained(loaded, last=last)
            else:
                result, at, seconds = next(results)
                yield Explained(loaded, result, at, seconds, last)

    def _run(self, good: list[Loaded]) -> Iterator[tuple[GroupResult, int, float]]:
        """For each image: the result it is in, its place there, and the seconds it took."""
        begin = time.perf_counter()
        while good:
            part = good[: self._layout.images]
            images = np.stack([x.model_input for x in part if x.model_input is not None])
            codes = np.stack([x.codes for x in part if x.codes is not None])
            try:
                result = self._ensemble.run(images, codes, self._layout, self._stop.overdue)
            except DeviceMemoryError:
                self._halve()
                continue
            seconds = (time.perf_counter() - begin) / len(part)
            yield from ((result, at, seconds) for at in range(len(part)))
            good = good[len(part) :]
            begin = time.perf_counter()

    def _halve(self) -> None:
        if self._batch_size == 1:
            raise RunStopped("the device has no memory even for one image at a time")
        self._batch_size //= 2
        self._layout = self._ensemble.lay_out(self._batch_size, self._layout.images)
        self._on_smaller(self._batch_size, self._layout)


def _groups(
    images: Iterable[Loaded], size: Callable[[], int]
) -> Generator[list[Loaded], None, None]:
    """Cuts a stream so that each group has at most `size()` images that can be explained."""
    group: list[Loaded] = []
    good = 0
    for loaded in images:
        group.append(loaded)
        good += loaded.model_input is not None
        if good >= size():
            yield group
            group, good = [], 0
    if group:
        yield group
