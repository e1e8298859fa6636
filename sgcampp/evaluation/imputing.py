"""ROAD: scores images whose pixels are imputed in a map's order, by workers beside the device."""

import contextlib
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.device import GaveUp, with_memory
from sgcampp.engine.scoring import input_scorer
from sgcampp.evaluation.explaining_again import GiveUp, Note
from sgcampp.evaluation.preparing import PreparedImage
from sgcampp.metrics.imputation import impute
from sgcampp.metrics.ordering import step_counts
from sgcampp.models.classifier import Classifier
from sgcampp.run.threads import ordered_map

STEPS, NOISE = 10, 0.01
"""10, 20 … 90 % are imputed; the noise's standard deviation, a share of the pixel range."""
CURVES = ("road_morf_curve", "road_lerf_curve")
MADE = {"steps": STEPS, "noise": NOISE}
PASSES = len(CURVES) * (STEPS - 1)
"""A map; as many linear systems are solved."""
MOST_THREADS = 8

Task = tuple[PreparedImage, int, str, int]
"""An image, a slot of it, a curve, and how many pixels are imputed."""


class RoadScorer:
    """A classifier that scores imputed images, batch after full batch.

    Args:
        classifier: the model.
        batch_size: B.
        seed: of the noise, which is the same for all maps.
        frozen: as of `Scorer`, as is the next.
        precision: of the network.
    """

    def __init__(
        self, classifier: Classifier, batch_size: int, seed: int, frozen: bool, precision: str
    ) -> None:
        self._batch_size, self._seed = batch_size, seed
        self._noise = NOISE * np.abs(classifier.white - classifier.black)
        self._shape = classifier.input_shape
        self._threads = min(len(os.sched_getaffinity(0)), MOST_THREADS)
        self._scorer = input_scorer(
            classifier.model, self._shape, classifier.output_name, frozen, precision
        )

    def seconds_a_map(self) -> float:
        """How long the linear systems of a map take, about: as those with half of the pixels."""
        height, width, _ = self._shape
        image = np.random.default_rng(0).random(self._shape)
        half = np.arange(height * width).reshape(height, width) < height * width / 2
        begin = time.perf_counter()
        impute(image, half, noise=self._noise)
        return PASSES * (time.perf_counter() - begin) / self._threads

    def __call__(
        self, images: Sequence[PreparedImage], give_up: GiveUp, note: Note
    ) -> list[NDArray[np.float64]]:
        """The probabilities of each image's slots, float64 [slots, 2, 9, C], CURVES in order.

        Raises:
            GaveUp: when `give_up` said so.
            RunStopped: when the device has no memory even for one image.
        """
        tasks = [task for image in images for task in _tasks(image)]
        threads, ahead = self._threads, 2 * max(self._threads, self._batch_size)
        found: list[NDArray[Any]] = []
        work = ordered_map(self._imputed, ([task] for task in tasks), threads, ahead)
        with contextlib.closing(work) as done:
            imputed = itertools.chain.from_iterable(done)
            while batch := list(itertools.islice(imputed, self._batch_size)):
                if give_up():
                    raise GaveUp
                score = partial(self._scores, np.stack(batch))
                halve = partial(self._halve, note)
                found.append(with_memory(score, lambda: self._batch_size, halve))
        shares = np.concatenate(found).astype(np.float64)
        ends = np.cumsum([0, *(len(list(_tasks(image))) for image in images)])
        return [
            shares[start:end].reshape(len(image.ranks), len(CURVES), -1, shares.shape[-1])
            for image, (start, end) in zip(images, itertools.pairwise(ends), strict=True)
        ]

    def _imputed(self, task: Task) -> NDArray[np.float32]:
        """float32 [H, W, C]."""
        image, slot, curve, count = task
        ranks = image.ranks[slot]
        missing = ranks < count if curve == CURVES[0] else ranks >= ranks.size - count
        filled = impute(image.model_input, missing, noise=self._noise, seed=self._seed)
        return filled.astype(np.float32)

    def _scores(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Probabilities [rows, C]; the last batch is padded, so that all have one shape."""
        found = []
        for at in range(0, len(batch), self._batch_size):
            part = np.minimum(np.arange(at, at + self._batch_size), len(batch) - 1)
            found.append(self._scorer(batch[part]).probabilities)
        return np.concatenate(found)[: len(batch)]

    def _halve(self, note: Note, batch_size: int) -> None:
        self._batch_size = batch_size
        note(f"the device ran out of memory: scoring imputed images in batches of {batch_size}")


def _tasks(image: PreparedImage) -> Iterator[Task]:
    """What is imputed of an image: by slot, by curve, by count."""
    height, width, _ = image.model_input.shape
    counts = step_counts(height * width, STEPS)[1:-1]
    for slot, curve, count in itertools.product(range(len(image.ranks)), CURVES, counts):
        yield image, slot, curve, int(count)
