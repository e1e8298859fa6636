"""Masked images that are made on the device, against NumPy's own, one image a pass."""

import numpy as np
import pytest
import tiny

from sgcampp import load_model
from sgcampp.engine.device import GaveUp
from sgcampp.evaluation.mask_scoring import TIMES_MAP, Masking, MaskScorer
from sgcampp.metrics.ordering import pixel_ranks

PIXELS = 64


@pytest.fixture(scope="module")
def masking():
    rng = np.random.default_rng(0)
    images = tiny.images(3)
    fills = rng.normal(size=(3, 2, 8, 8, 3)).astype(np.float32)
    maps = rng.random((4, 8, 8)).astype(np.float32)
    return Masking(images, fills, np.stack([pixel_ranks(m) for m in maps]), maps)


@pytest.fixture(scope="module")
def scorer(twin):
    return MaskScorer(load_model(twin.model), 5, frozen=False)


def by_hand(masking, row):
    image, of_map, low, high, fill = row
    x, under = masking.images[image], masking.fills[image, fill]
    share = masking.maps[of_map]
    if low != TIMES_MAP:
        ranks = masking.ranks[of_map]
        share = ((ranks >= low) & (ranks < high)).astype(np.float32)
    return x * share[..., None] + under * (1 - share[..., None])


ROWS = [
    (0, 0, 0, PIXELS, 0),
    (0, 1, 0, 0, 0),
    (0, 1, 0, 0, 1),
    (1, 2, TIMES_MAP, 0, 0),
    (1, 2, 0, 20, 1),
    (2, 3, 20, PIXELS, 0),
    (2, 3, 0, PIXELS - 20, 0),
    (0, 3, 5, 6, 1),
]


def test_each_row_is_the_image_under_its_mask(masking, scorer, twin):
    logits, probabilities = scorer(masking, ROWS)
    for row, found, shares in zip(ROWS, logits, probabilities, strict=True):
        expected = twin.logits(by_hand(masking, row))
        np.testing.assert_allclose(found, expected, atol=1e-5)
        np.testing.assert_allclose(
            shares, np.exp(expected) / np.exp(expected).sum(), rtol=1e-4, atol=1e-7
        )


def test_an_image_that_is_kept_whole_scores_as_it_is_to_the_bit(masking, scorer):
    logits, _ = scorer(masking, [(0, 0, 0, PIXELS, 0), (0, 1, 0, PIXELS, 1)])
    np.testing.assert_array_equal(logits[0], logits[1])


def test_scores_do_not_depend_on_neighbours_or_padding(masking, scorer):
    whole, _ = scorer(masking, ROWS)
    for n in (0, 3, 7):
        alone, _ = scorer(masking, [ROWS[n]])
        np.testing.assert_array_equal(alone[0], whole[n])
    order = [7, 2, 5, 0, 1, 6, 3, 4]
    shuffled, _ = scorer(masking, [ROWS[n] for n in order])
    np.testing.assert_array_equal(shuffled, whole[order])


def test_a_request_to_stop_is_heard_before_each_batch(masking, scorer):
    asked = []

    def give_up():
        asked.append(True)
        return len(asked) > 1

    with pytest.raises(GaveUp):
        scorer(masking, ROWS, give_up)
    assert len(asked) == 2
