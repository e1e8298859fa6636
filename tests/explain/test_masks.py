"""Masks in few numbers: what the device lays out of them, against loops over pixels."""

import numpy as np
import pytest
import tensorflow as tf

from sgcampp.engine.masking import KINDS, masked
from sgcampp.explain.masks import Boxes, Cells, FeatureMaps, Grids, Patches

H, W = 9, 7
RNG = np.random.default_rng(0)
CORNERS = np.array([[0, 0, 3, 3], [2, 4, 9, 7], [8, 6, 9, 7], [0, 0, 9, 7]], np.int32)
GRIDS = Grids(
    RNG.random((300, 3, 4)).astype(np.float32),
    (13, 12),
    RNG.integers(0, 5, (300, 2)).astype(np.int32),
)
CELLS = Cells(
    RNG.integers(0, 4, (2, H, W)).astype(np.int32), RNG.random((2, 5, 4)).astype(np.float32)
)
MAPS = FeatureMaps(RNG.normal(size=(2, 3, 4, 2)).astype(np.float32))


def bilinear(grid, y, x, size):
    """The value at a pixel of a grid upsampled to `size`, centres at half a pixel."""
    at = [(p + 0.5) * n / side - 0.5 for p, n, side in zip((y, x), grid.shape, size, strict=True)]
    at = [min(max(p, 0), n - 1) for p, n in zip(at, grid.shape, strict=True)]
    value = 0.0
    for i in range(grid.shape[0]):
        for j in range(grid.shape[1]):
            value += max(0, 1 - abs(at[0] - i)) * max(0, 1 - abs(at[1] - j)) * grid[i, j]
    return value


def by_pixels(of):
    return np.array([[of(y, x) for x in range(W)] for y in range(H)])


def boxes(image, m):
    top, left, bottom, right = CORNERS[m]
    return by_pixels(lambda y, x: 0.0 if top <= y < bottom and left <= x < right else 1.0)


def cells(image, m):
    return by_pixels(lambda y, x: CELLS.shown[image, m, CELLS.labels[image, y, x]])


def grids(image, m):
    dy, dx = GRIDS.starts[m]
    return by_pixels(lambda y, x: bilinear(GRIDS.values[m], y + dy, x + dx, GRIDS.size))


def feature_maps(image, m):
    large = by_pixels(lambda y, x: bilinear(MAPS.values[image, m], y, x, (H, W)))
    return (large - large.min()) / (large.max() - large.min())


PATCHES = Patches(
    np.array([[0, 0], [6, 4], [2, 3]], np.int32),
    RNG.normal(size=(2, 3, 3, 3, 3)).astype(np.float32),
    RNG.normal(size=(2, 4, 3, 3, 3)).astype(np.float32),
    np.array([0, 1, 1], np.int32),
)
ALL = [(Boxes(CORNERS), boxes), (CELLS, cells), (GRIDS, grids), (MAPS, feature_maps)]


def laid_out(masks, images, part):
    kind = KINDS[type(masks)]
    shares = kind.lay((H, W, 3), *map(tf.constant, masks.part(images, part))).numpy()
    return np.broadcast_to(shares, (len(images), *shares.shape[1:]))


@pytest.mark.parametrize(("masks", "expected"), ALL, ids=lambda one: type(one).__name__)
def test_the_device_lays_out_what_they_say(masks, expected):
    images, part = np.array([1, 0, 1]), np.array([2, 0])
    shares = laid_out(masks, images, part)
    assert shares.shape == (3, 2, H, W)
    for i, m in np.ndindex(3, 2):
        np.testing.assert_allclose(shares[i, m], expected(images[i], part[m]), atol=1e-6)


@pytest.mark.parametrize(("masks", "expected"), ALL[:1] + ALL[2:3], ids=["boxes", "grids"])
def test_weights_are_added_up_without_laying_masks_out(masks, expected):
    weights = RNG.normal(size=(2, masks.count, 3))
    each = np.array([expected(0, m) for m in range(masks.count)])
    hidden = 1 - each if isinstance(masks, Boxes) else each
    wanted = np.einsum("bmt,myx->btyx", weights, hidden)
    np.testing.assert_allclose(masks.spread(weights, (H, W)), wanted, atol=1e-9)


def test_patches_stand_in_the_place_of_windows_with_every_sample():
    images, fills = RNG.normal(size=(2, 2, H, W, 3)).astype(np.float32)
    masks = np.array([3, 4, 11])
    part = map(tf.constant, PATCHES.part(np.array([1, 0]), masks))
    rows = masked(KINDS[Patches], tf.constant(images[::-1]), tf.constant(fills), *part).numpy()
    assert PATCHES.count == 12
    for (i, m), row in zip(np.ndindex(2, 3), rows, strict=True):
        window, sample = divmod(masks[m], 4)
        y, x = PATCHES.first[window]
        wanted = images[1 - i].copy()
        patch = PATCHES.means[1 - i, window] + PATCHES.deviations[PATCHES.kinds[window], sample]
        wanted[y : y + 3, x : x + 3] = patch
        np.testing.assert_allclose(row, wanted, atol=1e-6)


def test_a_flat_feature_map_hides_all():
    flat = FeatureMaps(np.full((1, 1, 2, 2), 3, np.float32))
    assert not laid_out(flat, np.array([0]), np.array([0])).any()


def test_pixels_that_are_shown_or_hidden_are_images_or_fills_to_the_bit():
    images, fills = RNG.normal(size=(2, 2, H, W, 3)).astype(np.float32)
    (part,) = Boxes(CORNERS).part(np.arange(2), np.arange(4))
    rows = masked(KINDS[Boxes], tf.constant(images), tf.constant(fills), tf.constant(part))
    for (i, m), row in zip(np.ndindex(2, 4), rows.numpy(), strict=True):
        shown = boxes(i, m)[..., None] == 1
        np.testing.assert_array_equal(row, np.where(shown, images[i], fills[i]))
