"""Scores a group of images together: what each asks, in full batches."""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.device import with_memory
from sgcampp.evaluation.asking import Asking
from sgcampp.evaluation.mask_scoring import Masking, MaskRow, MaskScorer
from sgcampp.evaluation.preparing import PreparedImage

Scores = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Class scores and probabilities, each [rows, C]."""


def scored_images(
    scorer: MaskScorer,
    images: Sequence[PreparedImage],
    askings: Sequence[Asking],
    subsets: NDArray[np.float32],
    give_up: Callable[[], bool],
    on_smaller: Callable[[int], None],
) -> Iterator[Scores]:
    """The scores of each image's rows.

    Args:
        scorer: of the model; its batches are halved while the device has no memory.
        images: with their maps, at least one of each.
        askings: what is asked of each.
        subsets: float32 [k, H, W], masks that all images share.
        give_up: asked before each batch.
        on_smaller: called with B when it was halved.

    Raises:
        GaveUp: when `give_up` said so.
        RunStopped: when there is no memory even for one image.
    """
    if not images:
        return
    masking, rows = joined(images, askings, subsets)

    def halve(batch_size: int) -> None:
        scorer.batch_size = batch_size
        on_smaller(batch_size)

    logits, probabilities = with_memory(
        lambda: scorer(masking, [row for of_image in rows for row in of_image], give_up),
        lambda: scorer.batch_size,
        halve,
    )
    ends = np.cumsum([0, *map(len, rows)])
    for start, end in itertools.pairwise(ends):
        yield logits[start:end], probabilities[start:end]


def joined(
    images: Sequence[PreparedImage], askings: Sequence[Asking], subsets: NDArray[np.float32]
) -> tuple[Masking, list[list[MaskRow]]]:
    """What a group of images is scored from, and the rows of each image.

    Args:
        images: with their maps.
        askings: what is asked of each.
        subsets: float32 [k, H, W], masks that all images share.
    """
    ranks = [rank for image in images for rank in image.ranks]
    maps = [mask for image in images for mask in image.masks]
    masking = Masking(
        np.stack([image.model_input for image in images]),
        np.stack([image.fills for image in images]),
        np.stack(ranks),
        np.concatenate([np.stack(maps), subsets]),
    )
    firsts = np.cumsum([0, *(len(image.ranks) for image in images)])
    rows = [a.rows(n, int(firsts[n]), len(ranks)) for n, a in enumerate(askings)]
    return masking, rows
