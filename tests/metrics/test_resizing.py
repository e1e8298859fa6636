"""Hand-worked weights, OpenCV's own result, and flat maps that stay flat."""

import cv2
import numpy as np
import pytest

from sgcampp.metrics.metric import Undefined
from sgcampp.metrics.resizing import area_average, resize


def test_two_pixels_to_four_by_hand():
    """Centres at −.25, .25, .75, 1.25 of the old: the ends continue, between is 1/4 and 3/4."""
    np.testing.assert_allclose(resize([[0.0, 8.0]], (1, 4)), [[0, 2, 6, 8]], atol=1e-12)
    np.testing.assert_allclose(resize([[0.0], [8.0]], (4, 1)).ravel(), [0, 2, 6, 8], atol=1e-12)


@pytest.mark.parametrize("small", [(7, 7), (1, 1), (3, 5), (14, 9)])
@pytest.mark.parametrize("large", [(224, 224), (33, 50), (7, 7)])
def test_as_opencv_resizes(small, large):
    M = np.random.default_rng(0).random(small)
    theirs = cv2.resize(M, large[::-1], interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(resize(M, large), theirs, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1 / 3, 1e-300, 12345.678])
def test_a_flat_map_stays_flat_to_the_bit(value):
    assert np.unique(resize(np.full((7, 7), value), (224, 224))).tolist() == [value]


def test_zeros_stay_zeros():
    M = np.zeros((7, 7))
    M[3, 3] = 0.7
    assert np.count_nonzero(resize(M, (70, 70))) == 20 * 20


def test_the_same_size_is_the_same_map():
    M = np.random.default_rng(1).random((5, 6))
    assert np.array_equal(resize(M, (5, 6)), M)


def test_area_average_by_hand():
    """[0 … 5] in two: 1 and 4. [0, 1, 2] in two: (0 + 1/2)/1.5 and (1/2 + 2)/1.5."""
    assert area_average([[0.0, 1, 2, 3, 4, 5]], (1, 2)).tolist() == [[1, 4]]
    np.testing.assert_allclose(area_average([[0.0, 1, 2]], (1, 2)), [[1 / 3, 5 / 3]], atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (7, 7), (10, 12)])
def test_area_average_keeps_the_mean(shape):
    pixels = np.random.default_rng(2).random((10, 12))
    assert area_average(pixels, shape).mean() == pytest.approx(pixels.mean(), abs=1e-12)


def test_area_average_as_opencv_has_it():
    pixels = np.random.default_rng(3).random((224, 200))
    theirs = cv2.resize(pixels, (7, 9), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(area_average(pixels, (9, 7)), theirs, atol=1e-6)


def test_a_map_that_is_not_finite():
    with pytest.raises(Undefined):
        resize([[np.inf, 0.0]], (4, 4))
