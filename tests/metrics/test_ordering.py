"""Exact counts, an order that is a permutation, and ties that only the seed decides."""

import numpy as np
import pytest

from sgcampp.metrics.metric import Undefined
from sgcampp.metrics.ordering import (
    highest_pixel,
    pixel_order,
    pixel_ranks,
    shares_of,
    step_counts,
    tied_share,
)


def drawn(seed, shape, values=None):
    rng = np.random.default_rng(seed)
    return rng.random(shape) if values is None else rng.integers(0, values, shape).astype(float)


def test_the_most_important_pixel_comes_first():
    """3 at (0, 1), 2 at (1, 1), 1 at (0, 0), −5 at (1, 0)."""
    assert pixel_order([[1.0, 3.0], [-5.0, 2.0]]).tolist() == [1, 3, 0, 2]
    assert pixel_ranks([[1.0, 3.0], [-5.0, 2.0]]).tolist() == [[2, 0], [3, 1]]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (6, 1), (9, 14)])
@pytest.mark.parametrize("values", [None, 1, 2, 5])
def test_an_order_is_a_permutation_and_falls(shape, values):
    M = drawn(1, shape, values)
    order = pixel_order(M, seed=5)
    assert highest_pixel(M, seed=5) == np.unravel_index(order[0], shape)
    assert sorted(order) == list(range(M.size))
    assert (np.diff(M.ravel()[order]) <= 0).all()
    ranks = pixel_ranks(M, seed=5)
    assert np.array_equal(ranks.ravel()[order], np.arange(M.size))


@pytest.mark.parametrize("steps", [1, 3, 7, 20])
def test_each_step_takes_exactly_its_count(steps):
    """Also where nine pixels in ten are tied at zero, as behind a ReLU."""
    M = np.maximum(drawn(2, (15, 17)) - 0.9, 0)
    counts = step_counts(M.size, steps)
    ranks = pixel_ranks(M)
    assert [int((ranks < count).sum()) for count in counts] == counts.tolist()
    assert [int((ranks >= M.size - count).sum()) for count in counts] == counts.tolist()


def test_counts_by_hand():
    """10 pixels in 4 steps: 2.5 and 7.5 are rounded up."""
    assert step_counts(10, 4).tolist() == [0, 3, 5, 8, 10]
    assert shares_of(step_counts(10, 4), 10).tolist() == [0, 0.3, 0.5, 0.8, 1]
    assert step_counts(3, 10).tolist() == [0, 1, 2, 3]
    assert step_counts(1, 1).tolist() == [0, 1]
    assert step_counts(224 * 224, 20).tolist() == [round(50176 * k / 20 + 1e-9) for k in range(21)]
    with pytest.raises(ValueError, match="1 or more"):
        step_counts(10, 0)


def test_ties_depend_on_seed_and_shape_alone():
    flat = pixel_order(np.zeros((8, 8)), seed=1)
    assert np.array_equal(flat, pixel_order(np.full((8, 8), 7.0), seed=1))
    assert not np.array_equal(flat, pixel_order(np.zeros((8, 8)), seed=2))
    assert not np.array_equal(flat, pixel_order(np.zeros((4, 16)), seed=1))
    # Tied pixels of another map stand among themselves as they do in the flat one.
    M = drawn(3, (8, 8), 3)
    order = pixel_order(M, seed=1)
    place = np.argsort(flat)
    for value in (0, 1, 2):
        tied = [pixel for pixel in order if M.ravel()[pixel] == value]
        assert tied == sorted(tied, key=lambda pixel: place[pixel])


def test_ties_lean_to_no_side():
    """The mean row of the first tenth of a flat map lies near the middle."""
    rows = [np.mean(pixel_order(np.zeros((32, 32)), seed=s)[:102] // 32) for s in range(40)]
    assert abs(np.mean(rows) - 15.5) < 0.5


def test_the_order_is_this_one():
    """For ever: a run repeated a year later must take the same pixels."""
    assert pixel_order(np.zeros((2, 4)), seed=0).tolist() == [0, 6, 4, 2, 3, 7, 1, 5]


def test_a_permuted_map_is_ordered_alike():
    """Without ties, the values in order do not depend on where the pixels lie."""
    M = drawn(4, (6, 6))
    shuffled = np.random.default_rng(5).permutation(M.ravel()).reshape(6, 6)
    first = M.ravel()[pixel_order(M)]
    assert np.array_equal(first, shuffled.ravel()[pixel_order(shuffled)])


def test_tied_share_by_hand():
    """Of (0, −0, 1, 2) two are tied; of a flat map all; of one pixel none."""
    assert tied_share([[0.0, -0.0], [1.0, 2.0]]) == 0.5
    assert tied_share(np.ones((3, 3))) == 1
    assert tied_share([[1.0]]) == 0
    assert tied_share([[1.0, 2.0]]) == 0


@pytest.mark.parametrize("function", [pixel_order, pixel_ranks, tied_share])
def test_a_map_that_is_not_finite(function):
    with pytest.raises(Undefined) as caught:
        function([[0.0, np.nan]])
    assert caught.value.reason == "map_not_finite"
