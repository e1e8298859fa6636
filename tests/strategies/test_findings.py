"""What is said of strategies: shares, corners, nearest images and odd ones."""

import numpy as np
import pytest

from sgcampp.strategies.findings import find_strategies, headline, sentence
from sgcampp.strategies.maps import Group, GroupMaps, Member

DOGS = Group("grad_cam", "late", "{}", (), "dog", 1)


def maps_of(heat, probabilities=None):
    probabilities = [0.5] * len(heat) if probabilities is None else probabilities
    members = [Member(f"{n:03d}.png", None, p) for n, p in enumerate(probabilities)]
    return GroupMaps(DOGS, members, np.asarray(heat), 0)


def test_a_corner_is_told_with_the_share_of_the_others(blobs):
    found = find_strategies(maps_of(blobs(70, 30), [0.9] * 70 + [0.4] * 30))
    middle, corner = found.strategies
    assert (middle.share, corner.share) == (0.7, 0.3)
    assert corner.members == [f"{n:03d}.png" for n in range(70, 100)]
    assert (middle.probability, corner.probability) == pytest.approx((0.9, 0.4))
    assert corner.corner[0] == "bottom right"
    assert corner.corner[1] > 3 * corner.corner_of_others
    said = f"{corner.corner[1]:.0%} of the heat in the bottom right corner, where the others have "
    assert sentence(corner).startswith(said)
    assert "most of it in the middle" in sentence(middle)
    assert headline(found) == "dog, grad_cam at late: 2 strategies in 100 images"


def test_one_strategy_says_so(blobs):
    found = find_strategies(maps_of(blobs(40)))
    assert headline(found).startswith("dog, grad_cam at late: one strategy in 40 images: half of")
    assert found.strategies[0].share == 1
    assert found.strategies[0].corner_of_others is None


def test_the_nearest_images_are_nearest_to_the_mean(blobs):
    heat = blobs(30)
    nearest = [member.key for member in find_strategies(maps_of(heat)).strategies[0].nearest]
    distances = ((heat - heat.mean(0)) ** 2).sum((1, 2))
    assert nearest == [f"{n:03d}.png" for n in np.argsort(distances)[:8]]


def test_an_image_far_from_all_is_told(blobs):
    heat = blobs(40)
    heat[17] = 0
    heat[17, 0, 0] = 1
    found = find_strategies(maps_of(heat))
    assert [member.key for member in found.outliers] == ["017.png"]


def test_probabilities_that_are_not_known_are_none(blobs):
    assert find_strategies(maps_of(blobs(12), [None] * 12)).strategies[0].probability is None


def test_a_frame_is_told(blobs):
    heat = np.zeros((20, 8, 8))
    heat[:, [0, -1], :] = heat[:, :, [0, -1]] = 1
    heat += np.random.default_rng(0).uniform(0, 0.02, heat.shape)
    heat /= heat.sum((1, 2), keepdims=True)
    (frame,) = find_strategies(maps_of(heat)).strategies
    assert frame.border > 0.9
    assert sentence(frame).startswith(f"{frame.border:.0%} of the heat along the border")


@pytest.mark.parametrize("count", [0, 3])
def test_too_few_maps_to_compare(count):
    found = find_strategies(maps_of(np.full((count, 2, 2), 0.25)))
    assert (found.images, found.strategies, found.outliers) == (count, [], [])
    assert headline(found).endswith("no map to compare")
