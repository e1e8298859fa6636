"""What is explained again for the metrics that ask how a map changes, and with what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.fresh_weights import FreshWeights
from sgcampp.evaluation.drawn_inputs import (
    DRAWS,
    RADIUS,
    STATISTICS_OF,
    random_images,
    slight_noise,
)
from sgcampp.evaluation.explaining_again import Again, Asked, GiveUp, Note, Recipe, padded
from sgcampp.evaluation.preparing import PreparedImage, PreparedMap
from sgcampp.evaluation.rows import Series
from sgcampp.explain.looks import Look
from sgcampp.explain.method import Needs
from sgcampp.metrics.catalogue import REFERENCES
from sgcampp.metrics.resizing import resize
from sgcampp.models.classifier import Classifier

Given = dict[str, Any]
"""What metrics may take of one map; under `reasons`, why it has none of an argument."""
NOT_MADE = {
    "no_explanation": "a reference map is no explanation that could be made again",
    "no_noise": "the method draws no noise, so no seed changes its map",
}
"""Why a map is not made again, in words."""
MADE = {
    "perturbed_maps": {"radius": RADIUS, "draws": DRAWS},
    "reseeded_map": {"seed": "the run's own, its last bit flipped"},
    "randomised_map": {"layers": "all", "statistics_of": STATISTICS_OF},
    "masked_saliency": {"image": "times the map over its range"},
}
"""The arguments of metrics that are maps made again, and how."""
LOOKING = {"image", "plain_map", "smooth_map"}
"""What reference maps need that look at the image."""


class Variation(Protocol):
    """One way of explaining images again."""

    def passes(self, images: int) -> int:
        """Of so many images, at most."""

    def seconds_a_pass(self, shape: tuple[int, ...]) -> float:
        """In a full group of inputs (H, W, C)."""

    def __call__(
        self, images: Sequence[PreparedImage], give_up: GiveUp, note: Note
    ) -> list[list[Given]]:
        """By image and map; errors as of `Again`."""


@dataclass(frozen=True, eq=False)
class OfImage:
    """All maps of an image made again of other inputs, or by other engines.

    Attributes:
        argument: of metrics, that the new maps are.
        again: the engines; None where nothing is to be made.
        change: the model's input [H, W, C] to the inputs [k, H, W, C].
        count: k; None for the one map of one input.
        otherwise: why maps of methods have none, a word of NOT_MADE.
    """

    argument: str
    again: Again | None
    change: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    count: int | None = None
    otherwise: str = "no_explanation"

    def passes(self, images: int) -> int:
        """Of so many images."""
        return images * (self.count or 1) * self.again.passes if self.again else 0

    def seconds_a_pass(self, shape: tuple[int, ...]) -> float:
        """As of the engines."""
        return self.again.seconds_a_pass(shape) if self.again else 0.0

    def __call__(
        self, images: Sequence[PreparedImage], give_up: GiveUp, note: Note
    ) -> list[list[Given]]:
        """By image and map."""
        each = self.count or 1
        made: Mapping[Series, NDArray[np.float32]] = {}
        if self.again is not None:
            most = max(len(image.codes) for image in images)
            inputs = np.concatenate([self.change(image.model_input) for image in images])
            codes = np.concatenate([padded(image.codes[None], most) for image in images])
            made = self.again(inputs, np.repeat(codes, each, axis=0), give_up, note)

        def given(n: int, one: PreparedMap) -> Given:
            found = made.get(one.row.series)
            if found is None:
                is_reference = one.row.method in REFERENCES
                reason = "no_explanation" if is_reference else self.otherwise
                return {"reasons": {self.argument: reason}}
            maps = found[n * each : (n + 1) * each, one.row.target].astype(np.float64)
            return {self.argument: maps[0] if self.count is None else maps}

        return [[given(n, one) for one in image.maps] for n, image in enumerate(images)]


class Masked:
    """Each map made again of the image that it leaves, x ⊙ M̂.

    A reference map that looks neither at the image nor at other maps of it stays what it is.

    Args:
        agains: engines of one class; each series is made by one of them.
        maps: how many maps there are of each series.
    """

    def __init__(self, agains: Sequence[Again], recipe: Recipe) -> None:
        self._agains, self._maps = agains, recipe.maps

    def passes(self, images: int) -> int:
        """Of all maps; the number of images does not matter."""
        return sum(self._maps[name] * one.passes for one in self._agains for name in one.series)

    def seconds_a_pass(self, shape: tuple[int, ...]) -> float:
        """As of the first engines."""
        return self._agains[0].seconds_a_pass(shape)

    def __call__(
        self, images: Sequence[PreparedImage], give_up: GiveUp, note: Note
    ) -> list[list[Given]]:
        """By image and map."""
        found = [[_as_it_is(one) for one in image.maps] for image in images]
        for again in self._agains:
            places = [
                (n, m)
                for n, image in enumerate(images)
                for m, one in enumerate(image.maps)
                if one.row.series in again.series
            ]
            if not places:
                continue
            inputs = np.stack([_masked(images[n], images[n].maps[m]) for n, m in places])
            rows = [images[n].maps[m].row for n, m in places]
            codes = np.stack([images[n].codes[[images[n].maps[m].row.target]] for n, m in places])
            made = again(inputs, codes, give_up, note)
            for at, ((n, m), row) in enumerate(zip(places, rows, strict=True)):
                size = images[n].maps[m].saliency.shape
                M = made[row.series][at, 0].astype(np.float64)
                found[n][m] = {"masked_saliency": resize(M, (size[0], size[1]))}
        return found


def _as_it_is(one: PreparedMap) -> Given:
    name = one.row.method
    if name in REFERENCES and not LOOKING & set(REFERENCES[name].needs):
        return {"masked_saliency": one.saliency}
    return {"reasons": {"masked_saliency": "no_explanation"}}


def _masked(image: PreparedImage, one: PreparedMap) -> NDArray[np.float32]:
    """The image times M̂, as `MaskScorer` has it, so that it is the input of p₁."""
    share = image.masks[one.slot][..., None]
    return image.model_input * share + image.fills[0] * (1 - share)


def variations_of(
    needs: set[str], classifier: Classifier, recipe: Recipe, seed: int, group: int
) -> list[Variation]:
    """What must be explained again for metrics.

    Args:
        needs: the arguments that they take.
        classifier: the model.
        recipe: how the maps were made.
        seed: of noise and weights.
        group: images that come together.
    """

    def again(asked: Sequence[Asked], inputs: int, targets: int = recipe.targets) -> Again:
        ensemble = recipe.ensemble(classifier, asked, targets)
        return Again(ensemble, asked, recipe.batch_size, inputs)

    found: list[Variation] = []
    if "perturbed_maps" in needs:
        noise = slight_noise(classifier, seed)
        of_noised = again(recipe.asked, group * DRAWS)
        found.append(OfImage("perturbed_maps", of_noised, lambda x: x + noise, DRAWS))
    if "reseeded_map" in needs:
        noised = [(replace(look, seed=look.seed ^ 1), across) for look, across in recipe.asked]
        noised = [(look, across) for look, across in noised if _draws(look)]
        reseeded = again(noised, group) if noised else None
        found.append(OfImage("reseeded_map", reseeded, _alone, otherwise="no_noise"))
    if "randomised_map" in needs:
        weights = FreshWeights(classifier.model, random_images(classifier, seed), seed)
        with weights.in_place():
            # Frozen weights would be the model's own.
            ensemble = recipe.ensemble(classifier, recipe.asked, recipe.targets, frozen=False)
        randomised = Again(ensemble, recipe.asked, recipe.batch_size, group)
        found.append(OfImage("randomised_map", randomised, _alone))
    if "masked_saliency" in needs:
        parts = together(recipe.asked)
        inputs = group * recipe.targets
        found.append(Masked([again(part, inputs * len(part), 1) for part in parts], recipe))
    return found


def together(asked: Sequence[Asked]) -> list[list[Asked]]:
    """Looks at one place by the same copies, which cost no more together than one of them alone."""
    parts: dict[Any, list[Asked]] = {}
    for look, across in asked:
        alone = None if look.method.needs in {Needs.LAYER, Needs.PIXELS} else look
        parts.setdefault((look.where, look.sampling, alone), []).append((look, across))
    return list(parts.values())


def _alone(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return x[None]


def _draws(look: Look) -> bool:
    return look.averages and not look.method.on_path


def joined(parts: Sequence[Mapping[str, Any]]) -> Given:
    """What several variations give of one map, as one."""
    found: Given = {"reasons": {}}
    for part in parts:
        found["reasons"] |= part.get("reasons", {})
        found |= {name: value for name, value in part.items() if name != "reasons"}
    return found
