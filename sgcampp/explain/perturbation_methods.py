"""The methods that hide parts of an image and look at what the model then says."""

import numpy as np

from sgcampp.draws import random_uniforms, random_words
from sgcampp.explain.masks import Boxes, FeatureMaps, Grids
from sgcampp.explain.method import Needs, method
from sgcampp.explain.perturbation import (
    Found,
    Perturbation,
    Perturbing,
    Subject,
    as_many_as_asked,
)

CELLS, SHOWN = 7, 0.5
"""Of RISE, as in the paper: the sides of a grid, and the probability that a cell is shown."""


def windows(settings: Perturbing, size: tuple[int, ...]) -> Boxes:
    """The windows that slide over an image of (H, W, …); the last ones are cut at its border."""
    window, stride = settings.steps(size)
    starts = [np.arange(-(-(side - window) // stride) + 1) * stride for side in size[:2]]
    first = np.stack(np.meshgrid(*starts, indexing="ij"), -1).reshape(-1, 2)
    beyond = np.minimum(first + window, size[:2])
    return Boxes(np.concatenate([first, beyond], 1).astype(np.int32))


@method(
    needs=Needs.SCORES,
    passes=lambda settings, shape: windows(settings, shape).count,
    sign="positive",
)
def occlusion(subject: Subject, settings: Perturbing) -> Perturbation:
    """Occlusion: how far the score falls without a window of pixels (Zeiler and Fergus 2013).

    A pixel's value is the mean over the windows that hide it.
    """
    hidden = windows(settings, subject.size)
    scored = yield hidden
    falls = scored.clean_scores[:, None] - scored.scores
    times = hidden.spread(np.ones((1, hidden.count, 1)), subject.size)
    return Found(hidden.spread(falls, subject.size) / times)


@method(needs=Needs.SCORES, perturbations=4000, from_minimum=True, passes=as_many_as_asked)
def rise(subject: Subject, settings: Perturbing) -> Perturbation:
    """RISE: random masks, weighed by what the class keeps under them (Petsiuk et al. 2018, Eq. 6).

    Weights of a head without probabilities are scores; where some are negative, less the least.
    """
    count, size = settings.perturbations or 1, subject.size
    cell = np.array([-(-side // CELLS) for side in size])
    draws = random_uniforms(count * CELLS**2, "rise grids", settings.seed) < SHOWN
    words = random_words(count * 2, "rise shifts", settings.seed).reshape(count, 2)
    large = (CELLS + 1) * cell
    masks = Grids(
        draws.reshape(count, CELLS, CELLS).astype(np.float32),
        (int(large[0]), int(large[1])),
        (words % cell.astype(np.uint64)).astype(np.int32),
    )
    scored = yield masks
    confidences, _ = scored.confidences()
    weights = confidences - np.minimum(confidences.min(1, keepdims=True), 0)
    return Found(masks.spread(weights, size) / (count * SHOWN))


@method(needs=Needs.SCORES, sees_layer=True, passes=lambda settings, shape: shape[-1])
def score_cam(subject: Subject, settings: Perturbing) -> Perturbation:
    """Score-CAM: feature maps weighed by what the class scores under them (Wang et al. 2020).

    The weights are a softmax of the scores over the feature maps, as in the paper's Algorithm 1.
    """
    A = subject.activations
    assert A is not None
    scored = yield FeatureMaps(np.moveaxis(A, -1, 1).astype(np.float32))
    powers = np.exp(scored.scores - scored.scores.max(1, keepdims=True))
    alpha = powers / powers.sum(1, keepdims=True)
    weighted = np.moveaxis(alpha, 1, 2)[:, :, None, None] * A[:, None]
    return Found(weighted.sum(-1), weighted)
