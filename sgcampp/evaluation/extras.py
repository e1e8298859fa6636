"""What some metrics need beside scores of masked images: imputed images, and maps made again."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError
from sgcampp.evaluation import imputing
from sgcampp.evaluation.explaining_again import GiveUp, Note, Recipe
from sgcampp.evaluation.imputing import RoadScorer
from sgcampp.evaluation.preparing import PreparedImage
from sgcampp.evaluation.variations import MADE, Given, Variation, joined, variations_of
from sgcampp.metrics.metric import Metric
from sgcampp.models.classifier import Classifier


def made_for(metrics: Sequence[Metric]) -> dict[str, Any]:
    """How the arguments of metrics are made that are no scores of masked images, for the record."""
    needs = _needs(metrics)
    road = {"road": imputing.MADE} if set(imputing.CURVES) & needs else {}
    return {**road, **{name: how for name, how in MADE.items() if name in needs}}


def must_explain(metrics: Sequence[Metric]) -> bool:
    """Whether any of them needs maps made again."""
    return bool(set(MADE) & _needs(metrics))


class Extras:
    """Makes them, for groups of images.

    Attributes:
        passes: scored images, at most.
        explained: passes of explanations, at most; with gradients, one takes a few times as long.

    Args:
        classifier: the model.
        metrics: what is measured.
        recipe: how the maps were made; None if that is not known.
        seed: of noise and weights.
        images: how many there will be.
        maps: how many, reference maps included.
        group: images that come together.
        batch_size: B, of imputed images.
        frozen: of their scorer, as is the next.
        precision: of the network.

    Raises:
        UserError: for metrics that need a recipe where there is none.
    """

    def __init__(
        self,
        classifier: Classifier,
        metrics: Sequence[Metric],
        recipe: Recipe | None,
        seed: int,
        images: int,
        maps: int,
        group: int,
        batch_size: int,
        frozen: bool,
        precision: str,
    ) -> None:
        needs = _needs(metrics)
        self._maps, self._images, self._shape = maps, images, classifier.input_shape
        self._road: RoadScorer | None = None
        if set(imputing.CURVES) & needs:
            self._road = RoadScorer(classifier, batch_size, seed, frozen, precision)
        self._variations: list[Variation] = []
        if set(MADE) & needs:
            if recipe is None:
                names = [each.name for each in metrics if set(MADE) & set(each.needs)]
                raise UserError(
                    f"{', '.join(names)} must explain images again: give the Explainer that made "
                    "the explanations, as explainer="
                )
            self._variations = variations_of(needs, classifier, recipe, seed, group)
        self.passes = maps * imputing.PASSES if self._road else 0
        self.explained = sum(each.passes(images) for each in self._variations)

    def seconds(self) -> float:
        """How long it takes at today's speed, about, beside scoring imputed images."""
        solving = self._road.seconds_a_map() * self._maps if self._road else 0.0
        if not self._variations:
            return solving
        most = max(self._variations, key=lambda each: each.passes(self._images))
        return solving + self.explained * most.seconds_a_pass(self._shape)

    def __call__(
        self, images: Sequence[PreparedImage], give_up: GiveUp, note: Note
    ) -> list[list[Given]]:
        """What metrics may take, by image and map.

        Raises:
            GaveUp: when `give_up` said so.
            RunStopped: when the device has no memory even for one image.
        """
        if not images:
            return []
        parts = [variation(images, give_up, note) for variation in self._variations]
        if self._road is not None:
            scores = self._road(images, give_up, note)
            parts.append([_curves(*each) for each in zip(images, scores, strict=True)])
        return [
            [joined([part[n][m] for part in parts]) for m in range(len(image.maps))]
            for n, image in enumerate(images)
        ]


def _curves(image: PreparedImage, scores: NDArray[np.float64]) -> list[Given]:
    """ROAD's curves of each map of an image, of its slots' scores [slots, 2, 9, C]."""
    return [
        dict(zip(imputing.CURVES, scores[one.slot, :, :, one.row.class_idx or 0], strict=True))
        for one in image.maps
    ]


def _needs(metrics: Sequence[Metric]) -> set[str]:
    return {need for metric in metrics for need in metric.needs}
