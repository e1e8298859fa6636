"""Rows added up by image, and how often resamples draw each."""

import numpy as np
import pytest

from sgcampp.statistics import resampling
from sgcampp.statistics.resampling import image_sums, left_out_weights, resample_weights


def test_rows_are_added_up_by_image():
    values = [[1, np.nan], [2, 5], [4, np.inf], [8, 7]]
    sums, counts = image_sums(values, ["b", "a", "b", "a"])
    assert sums.tolist() == [[10, 12], [5, 0]]
    assert counts.tolist() == [[2, 2], [2, 0]]


def test_without_images_each_row_is_its_own():
    sums, counts = image_sums([[3.0], [np.nan]])
    assert sums.tolist() == [[3], [0]] and counts.tolist() == [[1], [0]]


@pytest.mark.parametrize("values, images", [([1, 2], None), ([[1], [2]], ["a"])])
def test_shapes_that_do_not_fit_are_refused(values, images):
    with pytest.raises(ValueError, match=r"not \[rows, columns\]|1 images are named for 2 rows"):
        image_sums(values, images)


def test_resamples_draw_as_many_images_each_as_likely(monkeypatch):
    monkeypatch.setattr(resampling, "_BLOCK", 35)
    found = np.concatenate(list(resample_weights(7, 9000, seed=0)))
    assert found.shape == (9000, 7) and found.dtype == np.float64
    assert (found.sum(1) == 7).all()
    np.testing.assert_allclose(found.mean(0), 1, atol=0.05)
    np.testing.assert_allclose(found.var(0), 6 / 7, atol=0.05)  # multinomial: n p (1 - p)


def test_the_seed_alone_decides_not_the_blocks(monkeypatch):
    whole = np.concatenate(list(resample_weights(5, 20, seed=3)))
    monkeypatch.setattr(resampling, "_BLOCK", 15)
    cut = list(resample_weights(5, 20, seed=3))
    assert len(cut) == 7
    np.testing.assert_array_equal(np.concatenate(cut), whole)
    assert (np.concatenate(list(resample_weights(5, 20, seed=4))) != whole).any()


def test_each_image_is_left_out_once(monkeypatch):
    monkeypatch.setattr(resampling, "_BLOCK", 8)
    np.testing.assert_array_equal(np.concatenate(list(left_out_weights(4))), 1 - np.eye(4))
