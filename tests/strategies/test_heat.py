"""Maps made comparable keep their heat where it is, whatever their size."""

import cv2
import numpy as np
import pytest

from sgcampp.strategies.heat import LARGEST_SIDE, heat_of, resized


@pytest.mark.parametrize("size", [(14, 14), (5, 9), (20, 3)])
def test_smaller_maps_are_means_of_areas(size):
    heat = np.random.default_rng(0).random((20, 31))
    expected = cv2.resize(heat, size[::-1], interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(resized(heat, size), expected / expected.sum(), rtol=1e-6)


def test_larger_maps_repeat_what_there_is():
    large = resized(np.array([[3.0, 1.0]]), (2, 4))
    np.testing.assert_allclose(large, [[3 / 16, 3 / 16, 1 / 16, 1 / 16]] * 2)


def test_what_speaks_against_the_class_does_not_count():
    heat = heat_of(np.array([[3, -5], [1, 0]], np.float32))
    np.testing.assert_allclose(heat, [[0.75, 0], [0.25, 0]])
    assert heat_of(np.array([[-1, 0]], np.float32)) is None
    huge = heat_of(np.full((99, 2), 3e38, np.float32))
    assert huge.shape == (LARGEST_SIDE, 2)
    assert huge.sum() == pytest.approx(1)
