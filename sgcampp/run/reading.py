"""The first stage: an image file becomes a model's input, or a reason why not."""

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sgcampp.images.decode import Picture, read_image
from sgcampp.images.faults import ImageError, Reason
from sgcampp.models.classifier import Classifier
from sgcampp.run.backlog import Task
from sgcampp.run.targets import Targets
from sgcampp.tree.rows import Row

KEPT_BYTES = 6_000_000
"""Larger pictures are decoded again when they are drawn, so that the queues stay small."""


@dataclass(frozen=True, eq=False)
class Ready:
    """An image that can be explained.

    Attributes:
        task: the image.
        picture: its pixels are dropped if they are large.
        model_input: float32 [H, W, C].
        codes: int32 [T, 2], class codes.
        view: the rectangle (top, left, height, width) of the picture that the model sees.
    """

    task: Task
    picture: Picture
    model_input: NDArray[np.float32]
    codes: NDArray[np.int32]
    view: tuple[float, float, float, float] | None


@dataclass(frozen=True)
class Unchanged:
    """An image whose bytes are the same after all. `row`: its old one, with its file's new time."""

    row: Row


@dataclass(frozen=True)
class Failed:
    """An image that can't be explained, and why."""

    task: Task
    error: ImageError
    sha256: str | None = None


Loaded = Ready | Unchanged | Failed


class Reader:
    """Reads and prepares images; its calls run in threads."""

    def __init__(self, classifier: Classifier, targets: Targets, max_pixels: int) -> None:
        self._classifier, self._targets = classifier, targets
        self._max_pixels = max_pixels

    def __call__(self, task: Task) -> Loaded:
        """Reads one image; faults become part of the result."""
        found = task.found
        if found.place is None:
            error = found.error or ImageError(Reason.UNREADABLE, "it is nowhere")
            return Failed(task, error)
        try:
            codes = self._targets.of(found)
            picture = read_image(found.place, self._max_pixels)
        except ImageError as error:
            return Failed(task, error)
        if task.before is not None and task.before.sha256 == picture.sha256:
            seen = replace(task.before, bytes=picture.bytes, mtime_ns=picture.mtime_ns)
            return Unchanged(replace(seen, finished=time.time()))
        view = self._classifier.preprocessing.view(*picture.rgb.shape[:2])
        model_input = self._classifier.preprocess(picture.rgb)[0]
        if picture.rgb.nbytes <= KEPT_BYTES:
            picture = replace(picture, encoded=None)
        else:
            kept = None if found.place.near else picture.encoded
            picture = replace(picture, rgb=picture.rgb[:0].copy(), encoded=kept)
        return Ready(task, picture, model_input, codes, view)
