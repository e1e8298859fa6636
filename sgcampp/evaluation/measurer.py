"""Measures groups of prepared images: scores what their maps ask for, and makes their rows."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sgcampp.evaluation.asking import Asking, subset_masks
from sgcampp.evaluation.explaining_again import Recipe
from sgcampp.evaluation.extras import Extras
from sgcampp.evaluation.group_scoring import scored_images
from sgcampp.evaluation.mask_scoring import MaskScorer, seconds_a_pass
from sgcampp.evaluation.measuring import measured_rows
from sgcampp.evaluation.preparing import PreparedImage
from sgcampp.evaluation.presets import passes_a_map
from sgcampp.evaluation.request import Request
from sgcampp.evaluation.rows import EvaluationRow
from sgcampp.metrics.catalogue import METRICS
from sgcampp.models.classifier import Classifier

GROUP = 4
"""Images whose masked copies are scored together."""
FREEZE_FROM = 1000
"""Passes from which on frozen weights pay."""


class Measurer:
    """A classifier, and what is measured of maps that explain it.

    Attributes:
        passes: images that are scored, at most.
        explained: passes of explanations made again, at most.

    Args:
        classifier: the model.
        request: what is measured.
        images: how many there will be.
        maps: how many, reference maps included.
        batch_size: B.
        precision: of the network.
        recipe: how the maps were made; None if that is not known.

    Raises:
        UserError: for metrics that need a recipe where there is none.
    """

    def __init__(
        self,
        classifier: Classifier,
        request: Request,
        images: int,
        maps: int,
        batch_size: int = 16,
        precision: str = "float32",
        recipe: Recipe | None = None,
    ) -> None:
        self._request, self._shape = request, classifier.input_shape
        self._metrics = [METRICS[name] for name in request.metrics]
        size = classifier.input_shape[:2]
        self._subsets: NDArray[np.bool_] | None = None
        self._subset_masks = np.zeros((0, *size), np.float32)
        if any("subset_scores" in metric.needs for metric in self._metrics):
            self._subsets, self._subset_masks = subset_masks(request.seed, size)
        shared = 3 + len(self._subset_masks)
        self.passes = images * shared + maps * passes_a_map(self._metrics, request.steps)
        frozen = self.passes > FREEZE_FROM
        self._scorer = MaskScorer(classifier, batch_size, frozen, precision)
        ahead = request.seed, images, maps, GROUP, batch_size, frozen, precision
        self._extras = Extras(classifier, self._metrics, recipe, *ahead)
        self.passes += self._extras.passes
        self.explained = self._extras.explained

    def seconds(self) -> float:
        """How long all passes take at today's speed, about."""
        scoring = self.passes * seconds_a_pass(self._scorer, self._shape)
        return scoring + self._extras.seconds()

    def __call__(
        self,
        group: Sequence[PreparedImage | list[EvaluationRow]],
        give_up: Callable[[], bool] = lambda: False,
        note: Callable[[str], None] = lambda sentence: None,
    ) -> Iterator[Callable[[], list[EvaluationRow]]]:
        """Scores a group of images; what makes the rows of each of them, in order.

        That may be called in a thread, while the device scores the next group.

        Args:
            group: prepared images, or the rows of one that could not be.
            give_up: asked before each batch.
            note: is told what the user should know.

        Raises:
            GaveUp: when `give_up` said so.
            RunStopped: when the device has no memory even for one image.
        """
        images = [image for image in group if isinstance(image, PreparedImage) and image.maps]
        request = self._request
        askings = [Asking(image, self._metrics, request.steps, self._subsets) for image in images]
        scores = scored_images(
            self._scorer,
            images,
            askings,
            self._subset_masks,
            give_up,
            lambda b: note(f"the device ran out of memory: going on with batches of {b}"),
        )
        asked, extras = iter(askings), iter(self._extras(images, give_up, note))
        for image in group:
            if not isinstance(image, PreparedImage):
                yield partial(_finished_now, image)
            elif not image.maps:
                yield partial(_finished_now, image.unmeasured)
            else:
                scored = (image, next(asked), *next(scores))
                settings = self._metrics, request.base, request.parameters
                yield partial(measured_rows, *scored, *settings, next(extras))


def _finished_now(rows: list[EvaluationRow]) -> list[EvaluationRow]:
    return [replace(row, finished=time.time()) for row in rows]
