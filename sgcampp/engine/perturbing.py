"""Runs the methods that stand on scores of perturbed images: masks in, maps out."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.device import GaveUp
from sgcampp.engine.grid import Grid, lay_out
from sgcampp.engine.results import Classes, GroupResult, Maps, Seen
from sgcampp.engine.scoring import Outputs, Scorer
from sgcampp.explain.classes import NO_CLASS, check_codes
from sgcampp.explain.flat_reasons import FLAT_REASONS
from sgcampp.explain.looks import INPUT, Look
from sgcampp.explain.perturbation import Masks, Scored


class PerturbationEngine:
    """One method of `Needs.SCORES`, ready to run groups of images, as `Engine` is.

    Args:
        model: the Keras model; it is not changed.
        input_shape: (H, W, C) of its input.
        look: what to look at.
        black: float32 [C], the model's input for a black pixel: what a mask puts in its place.
        classes: T, classes an image.
        **settings: output_name, frozen, precision and jit, as of `Scorer`.

    Raises:
        UserError: as `Scorer` does.
    """

    def __init__(
        self,
        model: keras.Model,
        input_shape: tuple[int, ...],
        look: Look,
        black: NDArray[np.float32],
        classes: int = 1,
        **settings: Any,
    ) -> None:
        self._look = look
        height, width, _ = input_shape

        def masked(images: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
            """[b, H, W, C] and [b or 1, s, H, W] -> [b * s, H, W, C]."""
            kept = masks[..., None]
            blended = images[:, None] * kept + tf.constant(black) * (1 - kept)
            return tf.reshape(blended, [-1, *input_shape])

        signature = [
            tf.TensorSpec([None, *input_shape], tf.float32),
            tf.TensorSpec([None, None, height, width], tf.float32),
        ]
        self._scorer = Scorer(model, masked, signature, **settings)

    @property
    def passes(self) -> int:
        """Passes an image beside its own."""
        return self._look.method.passes

    @property
    def seen(self) -> Mapping[Look, Seen]:
        """Nothing but the input is looked at, and no copies are averaged."""
        return {self._look: Seen(INPUT, affine=False, copies=0)}

    def lay_out(self, batch_size: int, total: int) -> Grid:
        """The grid for batches of at most B and `total` images (see `grid.lay_out`)."""
        return lay_out(self.passes, batch_size, total)

    def run(
        self,
        images: NDArray[np.float32],
        codes: NDArray[np.int32],
        grid: Grid,
        give_up: Callable[[], bool] = lambda: False,
    ) -> GroupResult:
        """Explains one group of images; arguments and errors as of `Engine.run`."""
        check_codes(codes, self._scorer.class_count)
        count = len(images)
        rows = images[np.minimum(np.arange(grid.images), count - 1)]
        whole = np.ones((1, 1, *images.shape[1:3]), np.float32)
        classes = _classes(codes, self._scores(rows, whole, grid, give_up, count))
        method = self._look.method.function(images, self._look.choices)
        try:
            masks = next(method)
            while True:
                outputs = self._scores(rows, _by_image(masks, count, grid), grid, give_up, count)
                masks = method.send(_scored(outputs, classes))
        except StopIteration as finished:
            maps = _finished(finished.value)
        return GroupResult(classes, {self._look: maps}, self.seen)

    def _scores(
        self,
        images: NDArray[np.float32],
        masks: Masks,
        grid: Grid,
        give_up: Callable[[], bool],
        count: int,
    ) -> Outputs:
        """Logits and probabilities [count, m, C] of masks [1 or b, m, H, W], slice by slice."""
        step, total = len(grid.slices[0]), masks.shape[1]
        slices = []
        for at in range(0, total, step):
            if give_up():
                raise GaveUp
            # The last slice is padded, so that all have one shape.
            part = masks[:, np.minimum(np.arange(at, at + step), total - 1)]
            outputs = self._scorer(images, part)
            slices.append([x.reshape(len(images), step, -1)[:count] for x in outputs])
        return Outputs(
            *(np.concatenate(parts, 1)[:, :total] for parts in zip(*slices, strict=True))
        )


def _by_image(masks: Masks, count: int, grid: Grid) -> Masks:
    """[m, H, W] or [count, m, H, W] -> [1, m, H, W] or [grid.images, m, H, W]."""
    masks = np.asarray(masks, np.float32)
    if masks.ndim == 3:
        return masks[None]
    return masks[np.minimum(np.arange(grid.images), count - 1)]


def _classes(codes: NDArray[np.int32], clean: Outputs) -> Classes:
    """Resolves ranks by the clean image's scores: of equal ones the first class counts first."""
    logits = clean.logits[:, 0]
    ranked = np.argsort(-logits, axis=-1, kind="stable")
    rank = np.clip(-1 - codes.astype(np.int64), 0, logits.shape[-1] - 1)
    by_rank = np.take_along_axis(ranked, rank.reshape(len(codes), -1), 1).reshape(codes.shape)
    resolved = np.where((codes < 0) & (codes != NO_CLASS), by_rank, codes).astype(np.int32)
    bare = Classes(resolved[..., 0], resolved[..., 1], logits[:, :0], logits[:, :0])
    scored = _picked(clean, bare)
    return bare._replace(scores=scored[0][:, 0], probabilities=scored[1][:, 0])


def _picked(outputs: Outputs, classes: Classes) -> tuple[NDArray[Any], NDArray[Any]]:
    """Scores and probabilities [b, m, T] of the classes explained."""

    def of(values: NDArray[Any], idx: NDArray[np.int32]) -> NDArray[Any]:
        at = np.maximum(idx, 0)[:, None].repeat(values.shape[1], axis=1)
        return np.take_along_axis(values, at, 2)

    against = of(outputs.logits, classes.against_idx)
    against = np.where((classes.against_idx == NO_CLASS)[:, None], 0, against)
    scores = of(outputs.logits, classes.class_idx) - against
    return scores, of(outputs.probabilities, classes.class_idx)


def _scored(outputs: Outputs, classes: Classes) -> Scored:
    scores, probabilities = _picked(outputs, classes)
    return Scored(
        scores.astype(np.float64),
        probabilities.astype(np.float64),
        classes.scores.astype(np.float64),
        classes.probabilities.astype(np.float64),
    )


def _finished(maps: NDArray[Any]) -> Maps:
    """Maps [b, T, h, w] with what goes with them; one that is not finite becomes all zeros."""
    finite = np.isfinite(maps).all((-2, -1))
    whole = np.where(finite[..., None, None], np.maximum(maps, 0), 0).astype(np.float32)
    flat = np.where(whole.any((-2, -1)), 0, FLAT_REASONS.index("no_positive_evidence"))
    zeros = np.zeros(whole.shape[:2], np.float32)
    return Maps(
        whole=whole,
        single=np.zeros((*whole.shape, 0), np.float32),
        se=whole[..., :0, :0],
        relative_se=zeros + np.nan,
        log_scale=zeros,
        ess=zeros + 1,
        guarded=zeros,
        completeness=zeros + np.nan,
        reason=np.where(finite, flat, FLAT_REASONS.index("not_finite")),
    )
