"""What other libraries found for the inputs of scripts/oracles, and the same by the plain model."""

import json
from pathlib import Path

import numpy as np

from scripts.oracles import inputs
from sgcampp.metrics.arrays import normalise
from sgcampp.metrics.ordering import pixel_ranks, shares_of, step_counts

FOUND = Path(__file__).parent / "metrics" / "oracles"
PIXELS = inputs.SIDE**2


def found(oracle):
    """The values that a library found, by metric."""
    return json.loads((FOUND / f"{oracle}.json").read_text("utf-8"))


def each():
    """(image, map, class) of each image."""
    return list(zip(inputs.images(), inputs.maps(), inputs.classes(), strict=True))


def probability(image, c):
    return float(inputs.probabilities(image[None], c)[0])


def before_and_after(image, saliency, c):
    """(p0, p1): of the image, and of the image times M̂."""
    masked = image * normalise(saliency)[..., None]
    return probability(image, c), probability(masked, c)


def curves(image, saliency, c, fill=0.0, steps=inputs.STEPS):
    """(shares, insertion, deletion, least important first), each [steps + 1]."""
    ranks = pixel_ranks(saliency)[..., None]
    counts = step_counts(ranks.size, steps)

    def scores(kept):
        return np.array([probability(np.where(keep, image, fill), c) for keep in kept])

    return (
        shares_of(counts, ranks.size),
        scores(ranks < count for count in counts),
        scores(ranks >= count for count in counts),
        scores(ranks < ranks.size - count for count in counts),
    )
