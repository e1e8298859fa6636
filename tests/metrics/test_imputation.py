"""The linear system by hand, pytorch-grad-cam's solution, and what stays as it is."""

import evaluation_oracles as oracles
import numpy as np
import pytest

from scripts.oracles import inputs
from sgcampp.metrics.imputation import NEIGHBOURS, impute


def test_the_weights_sum_to_one():
    assert sum(NEIGHBOURS.values()) == pytest.approx(1, abs=1e-12)
    assert len(NEIGHBOURS) == 8


def test_one_hole_in_the_middle_by_hand():
    """Sides 1, 2, 3, 4 weigh 1/6 each, corners 12 in sum 1/12: 10/6 + 12/12 = 8/3."""
    image = np.array([[3.0, 1.0, 3.0], [2.0, 99.0, 3.0], [3.0, 4.0, 3.0]])[..., None]
    hole = np.zeros((3, 3), bool)
    hole[1, 1] = True
    filled = impute(image, hole, noise=0)
    assert filled[1, 1, 0] == pytest.approx(8 / 3, abs=1e-12)
    assert np.array_equal(filled[~hole], image[~hole])


def test_two_holes_in_a_row_by_hand():
    """[1, ?, ?, 4]: 2a = 1 + b and 2b = a + 4 give 2 and 3."""
    filled = impute(np.array([[[1.0], [0.0], [0.0], [4.0]]]), [[0, 1, 1, 0]], noise=0)
    np.testing.assert_allclose(filled.ravel(), [1, 2, 3, 4], atol=1e-12)


def test_a_corner_uses_the_neighbours_that_there_are():
    """Right 1 and below 2 weigh 1/6, the diagonal 6 weighs 1/12: (1 + 2 + 3)/6 over 5/12."""
    image = np.array([[[0.0], [1.0]], [[2.0], [6.0]]])
    filled = impute(image, [[True, False], [False, False]], noise=0)
    assert filled[0, 0, 0] == pytest.approx(12 / 5, abs=1e-12)


def test_as_grad_cam_fills():
    known = inputs.maps()[0] * 128 % 3 != 0
    filled = impute(inputs.images()[0], ~known, noise=0)
    np.testing.assert_allclose(filled, oracles.found("grad_cam")["imputed"], atol=1e-6)


def test_noise_is_seeded_and_only_in_the_holes():
    image, hole = inputs.images()[0], inputs.masks()[0]
    plain, noisy = impute(image, hole, noise=0), impute(image, hole, noise=0.01, seed=3)
    assert np.array_equal(noisy, impute(image, hole, noise=0.01, seed=3))
    assert not np.array_equal(noisy, impute(image, hole, noise=0.01, seed=4))
    assert np.array_equal(noisy[~hole], image[~hole])
    assert 0.005 < np.std((noisy - plain)[hole]) < 0.015
    each = impute(image, hole, noise=[0, 0.01, 0.02], seed=3)
    np.testing.assert_allclose(each - plain, (noisy - plain) * [0, 1, 2], atol=1e-12)


def test_nothing_and_everything_missing():
    image = inputs.images()[0]
    assert np.array_equal(impute(image, np.zeros((10, 10), bool), noise=1), image)
    with pytest.raises(ValueError, match="no pixel is left"):
        impute(image, np.ones((10, 10), bool), noise=0)
