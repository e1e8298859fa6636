"""Runs the methods that stand on scores of perturbed images: masks in, maps out."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.device import GaveUp
from sgcampp.engine.discovery import Spot, discover
from sgcampp.engine.fills import FILLS
from sgcampp.engine.grid import Grid, lay_out
from sgcampp.engine.masked_scores import MaskedScores
from sgcampp.engine.results import Classes, GroupResult, Maps, Seen
from sgcampp.engine.scoring import Outputs
from sgcampp.errors import UserError
from sgcampp.explain.classes import NO_CLASS, check_codes
from sgcampp.explain.flat_reasons import FLAT_REASONS
from sgcampp.explain.looks import INPUT, Look
from sgcampp.explain.masks import Masks
from sgcampp.explain.patches import PatchGaussian, fit
from sgcampp.explain.perturbation import Found, Scored, Subject

Examples = Callable[[int], Iterable[NDArray[np.float32]]]
"""Gives at most so many model inputs [H, W, C]."""


class PerturbationEngine:
    """One method of `Needs.SCORES`, ready to run groups of images, as `Engine` is.

    Args:
        scores: of the model.
        look: what to look at.
        examples: gives model inputs [H, W, C] like those that will be explained, at most as many as
            it is asked for; called when a model of patches is first needed.

    Raises:
        UserError: for a layer, feature maps or neurons that the model does not have, settings that
            do not fit its input, or a head that gives no probabilities where they are needed.
    """

    def __init__(self, scores: MaskedScores, look: Look, examples: Examples) -> None:
        self._look, self._scores, self._examples = look, scores, examples
        self._spot = self._found() if look.method.sees_layer else None
        self._clean = scores.clean(self._spot)
        if look.method.needs_probabilities and not self._clean.gives_probabilities:
            raise UserError(
                f"{look.method.name} weighs odds, and this model's head gives no probabilities: it "
                "is neither a softmax nor a sigmoid; choose occlusion, which takes scores"
            )
        shape = scores.input_shape
        if self._spot is not None:
            filters = look.selection.filters
            maps = self._spot.shape[-1] if filters is None else len(filters)
            shape = (*self._spot.shape[:2], maps)
        self._patch_side = 0
        if look.method.patch_side is not None:
            self._patch_side = look.method.patch_side(look.perturbing, scores.input_shape)
        self.passes = look.method.passes(look.perturbing, tuple(shape))

    @property
    def seen(self) -> Mapping[Look, Seen]:
        """Where it looks, and how many perturbed images it looks at."""
        if self._spot is None:
            return {self._look: Seen(INPUT, affine=False, copies=0, perturbations=self.passes)}
        spot = self._spot
        seen = Seen(spot.address, spot.affine, 0, bend=spot.bend, perturbations=self.passes)
        return {self._look: seen}

    def lay_out(self, batch_size: int, total: int) -> Grid:
        """The grid for batches of at most B and `total` images (see `grid.lay_out`)."""
        return lay_out(self.passes - 1, batch_size, total)

    def run(
        self,
        images: NDArray[np.float32],
        codes: NDArray[np.int32],
        grid: Grid,
        give_up: Callable[[], bool] = lambda: False,
    ) -> GroupResult:
        """Explains one group of images; arguments and errors as of `Engine.run`."""
        check_codes(codes, self._clean.class_count)
        count = len(images)
        rows = np.minimum(np.arange(grid.images), count - 1)
        clean = self._clean(images[rows])
        classes = _classes(codes, clean, count)
        A = self._chosen(*clean.activations)[:count] if self._spot else None
        subject = Subject(images, A, self._patches)
        fill = FILLS[self._look.perturbing.fill]
        fills = np.stack([fill(image, self._scores.black) for image in images])
        given = tf.constant(images[rows]), tf.constant(fills[rows])
        method = self._look.method.function(subject, self._look.perturbing)
        try:
            masks = next(method)
            while True:
                outputs = self._score(given, masks, rows, len(grid.slices[0]), give_up)
                masks = method.send(_scored(outputs, clean, classes, count))
        except StopIteration as finished:
            maps = self._finished(finished.value)
        return GroupResult(classes, {self._look: maps}, self.seen)

    def _found(self) -> Spot:
        """The layer, which has the feature maps and neurons that are looked at."""
        where, scores = self._look.where, self._scores
        output_name = scores.settings.get("output_name")
        found = discover(scores.model, scores.input_shape, [where], output_name=output_name)
        spot = found.spots[where]
        self._look.selection.check_filters(spot.shape[2], spot.address)
        self._look.selection.neurons(spot.shape[0], spot.shape[1], spot.address)
        return spot

    @cached_property
    def _patches(self) -> PatchGaussian | None:
        """A model of patches, fitted when the first group is explained."""
        if not self._patch_side:
            return None
        settings = self._look.perturbing
        return fit(self._examples(settings.fit_images), self._patch_side, settings.seed)

    def _chosen(self, A: NDArray[Any]) -> NDArray[Any]:
        """The chosen feature maps of activations [b, h, w, K], zero outside the chosen neurons."""
        selection = self._look.selection
        neurons = selection.neurons(A.shape[1], A.shape[2], layer="")
        kept = A if selection.filters is None else A[..., list(selection.filters)]
        return kept * neurons[..., None]

    def _score(
        self,
        given: tuple[tf.Tensor, tf.Tensor],
        masks: Masks,
        rows: NDArray[np.int64],
        step: int,
        give_up: Callable[[], bool],
    ) -> Outputs:
        """Logits and probabilities [grid.images, m, C] under masks, slice by slice.

        Slices have at most `step` masks, and lengths that differ by one at most: nothing is padded.
        """
        scorer = self._scores.under(masks)
        logits, probabilities = [], []
        for part in np.array_split(np.arange(masks.count), -(-masks.count // step)):
            if give_up():
                raise GaveUp
            outputs = scorer(*given, *masks.part(rows, part))
            shape = len(rows), len(part), -1
            logits.append(outputs.logits.reshape(shape))
            probabilities.append(outputs.probabilities.reshape(shape))
        return Outputs(np.concatenate(logits, 1), np.concatenate(probabilities, 1))

    def _finished(self, found: Found) -> Maps:
        """What a method found with what goes with it; maps that are not finite become all zeros."""
        filters = self._look.selection.filters
        single = found.single if filters is not None else None
        if single is None:
            single = np.zeros((*found.maps.shape, 0))
        finite = np.isfinite(found.maps).all((-2, -1)) & np.isfinite(single).all((-3, -2, -1))
        whole, single = (_with_sign(maps, self._look.sign) for maps in (found.maps, single))
        whole = np.where(finite[..., None, None], whole, 0).astype(np.float32)
        flat = np.where(whole.any((-2, -1)), 0, FLAT_REASONS.index("no_positive_evidence"))
        single = np.where(finite[..., None, None, None], single, 0).astype(np.float32)
        reason = np.where(finite, flat, FLAT_REASONS.index("not_finite"))
        fit = {} if found.r2 is None else {"r2": np.asarray(found.r2, np.float32)}
        return Maps.unsampled(whole, single, reason=reason, **fit)


def _with_sign(maps: NDArray[Any], sign: str) -> NDArray[Any]:
    """What is left of maps by `Look.sign`."""
    if sign == "signed":
        return maps
    return np.abs(maps) if sign == "absolute" else np.maximum(maps, 0)


def _classes(codes: NDArray[np.int32], clean: Outputs, count: int) -> Classes:
    """Resolves ranks by the clean image's scores: of equal ones the first class counts first."""
    logits = clean.logits[:count]
    ranked = np.argsort(-logits, axis=-1, kind="stable")
    rank = np.clip(-1 - codes.astype(np.int64), 0, logits.shape[-1] - 1)
    by_rank = np.take_along_axis(ranked, rank.reshape(len(codes), -1), 1).reshape(codes.shape)
    resolved = np.where((codes < 0) & (codes != NO_CLASS), by_rank, codes).astype(np.int32)
    class_idx, against_idx = resolved[..., 0], resolved[..., 1]
    scores = _differences(logits[:, None], class_idx, against_idx)[:, 0].astype(logits.dtype)
    probabilities = np.take_along_axis(clean.probabilities[:count], np.maximum(class_idx, 0), 1)
    return Classes(class_idx, against_idx, scores, probabilities)


def _differences(
    values: NDArray[Any], class_idx: NDArray[np.int32], against_idx: NDArray[np.int32]
) -> NDArray[np.float64]:
    """[b, m, C] -> float64 [b, m, T], each class's value, less the one it is held against."""
    against = np.where((against_idx == NO_CLASS)[:, None], 0, _picked(values, against_idx))
    return _picked(values, class_idx) - against


def _picked(values: NDArray[Any], idx: NDArray[np.int32]) -> NDArray[np.float64]:
    """[b, m, C] and [b, T] -> float64 [b, m, T]; anything for NO_CLASS."""
    return np.take_along_axis(values, np.maximum(idx, 0)[:, None], 2).astype(np.float64)


def _scored(outputs: Outputs, clean: Outputs, classes: Classes, count: int) -> Scored:
    """What a method is sent."""
    pair = classes.class_idx, classes.against_idx

    def said(logits: NDArray[Any], probabilities: NDArray[Any]) -> list[NDArray[np.float64]]:
        """Scores and probabilities, of contrasts differences; chances for and against."""
        of = _picked(probabilities, pair[0])
        alone = (pair[1] == NO_CLASS)[:, None]
        against = np.where(alone, 1 - of, _picked(probabilities, pair[1]))
        return [_differences(logits, *pair), _differences(probabilities, *pair), of, against]

    whole = said(clean.logits[:count, None], clean.probabilities[:count, None])
    masked_ = said(outputs.logits[:count], outputs.probabilities[:count])
    return Scored(*masked_, *(each[:, 0] for each in whole))
