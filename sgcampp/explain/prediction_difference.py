"""Prediction difference analysis: windows replaced by what else could stand there."""

import numpy as np
from numpy.typing import NDArray

from sgcampp.explain.masks import Boxes, Floats, Patches
from sgcampp.explain.method import Needs, method
from sgcampp.explain.patches import AROUND, PatchGaussian, check_side
from sgcampp.explain.perturbation import Found, Perturbation, Perturbing, Subject

LEAST_PROBABILITY = 1e-6
"""Of a class and of what it is held against, so that odds stay finite."""


def places(settings: Perturbing, size: tuple[int, ...]) -> NDArray[np.int32]:
    """First pixels [w, 2] of the windows in an image of (H, W, …); the last lie at its border."""
    window, stride = settings.steps(size)
    starts = [
        np.minimum(np.arange(-(-(side - window) // stride) + 1) * stride, side - window)
        for side in size[:2]
    ]
    return np.stack(np.meshgrid(*starts, indexing="ij"), -1).reshape(-1, 2).astype(np.int32)


def patch_side(settings: Perturbing, shape: tuple[int, ...]) -> int:
    """Side of the patches that windows lie in; UserError where they are too large."""
    height, width, channels = shape
    return check_side(min(settings.steps(shape)[0] + 2 * AROUND, height, width), channels)


def replacements(
    subject: Subject, gaussian: PatchGaussian, first: NDArray[np.int32], settings: Perturbing
) -> Patches:
    """What stands in the place of each window: as many samples as `perturbations` says."""
    window, _ = settings.steps(subject.size)
    room = np.array(subject.size) - gaussian.side
    corners = np.clip(first - AROUND, 0, room)
    kinds, which = np.unique(first - corners, axis=0, return_inverse=True)
    which = which.reshape(-1)
    shape = (len(first), window, window, gaussian.channels)
    means = np.zeros((len(subject.images), *shape), np.float32)
    deviations = []
    for kind, (row, column) in enumerate(kinds):
        of = gaussian.window(row, column, window, settings.sampler == "conditional")
        at = np.flatnonzero(which == kind)
        for image, own in zip(subject.images, means, strict=True):
            patches = [image[y : y + gaussian.side, x : x + gaussian.side] for y, x in corners[at]]
            own[at] = of.means(np.stack(patches))
        deviations.append(of.deviations(settings.perturbations or 1, settings.seed))
    return Patches(first, means, np.stack(deviations).astype(np.float32), which.astype(np.int32))


def log_odds(of: Floats, against: Floats) -> Floats:
    """The logarithm of odds to base 2, finite."""
    return np.log2(np.maximum(of, LEAST_PROBABILITY) / np.maximum(against, LEAST_PROBABILITY))


@method(
    needs=Needs.SCORES,
    perturbations=10,
    passes=lambda settings, shape: len(places(settings, shape)) * (settings.perturbations or 1),
    sign="signed",
    needs_probabilities=True,
    patch_side=patch_side,
)
def prediction_difference(subject: Subject, settings: Perturbing) -> Perturbation:
    """Prediction difference: weight of evidence of a window's own pixels (Zintgraf et al. 2017).

    A pixel's value is the mean over the windows that hold it.
    """
    assert subject.patches is not None
    first = places(settings, subject.size)
    scored = yield replacements(subject, subject.patches, first, settings)
    samples = (*scored.of.shape[:1], len(first), -1, scored.of.shape[2])
    without = [chances.reshape(samples).mean(2) for chances in (scored.of, scored.against)]
    whole = log_odds(scored.clean_of, scored.clean_against)
    evidence = whole[:, None] - log_odds(*without)
    window, _ = settings.steps(subject.size)
    boxes = Boxes(np.concatenate([first, first + window], 1).astype(np.int32))
    times = boxes.spread(np.ones((1, boxes.count, 1)), subject.size)
    return Found(boxes.spread(evidence, subject.size) / times)
