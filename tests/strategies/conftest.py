"""Made-up maps: a blob near the middle, or one in a corner."""

import numpy as np
import pytest


@pytest.fixture
def blobs():
    """blobs(middle, corner, seed): heat [n, 7, 7] of the sum 1; those in the corner come last."""

    def make(middle, corner=0, seed=0):
        rng = np.random.default_rng(seed)
        places = [*rng.normal(3, 0.7, (middle, 2)), *rng.normal(5.8, 0.2, (corner, 2))]
        return np.stack([_blob(place, rng) for place in places])

    return make


def _blob(place, rng):
    rows, columns = np.mgrid[:7, :7]
    distance = (rows - place[0]) ** 2 + (columns - place[1]) ** 2
    heat = np.exp(-distance / (2 * rng.uniform(1, 2))) + np.maximum(rng.normal(0, 0.05, (7, 7)), 0)
    return heat / heat.sum()
