"""Strategies are found where maps fall apart, and only there."""

import numpy as np
import pytest

from sgcampp.strategies import clustering
from sgcampp.strategies.clustering import find_clusters


@pytest.mark.parametrize("seed", range(3))
def test_maps_in_a_corner_are_a_strategy_of_their_own(blobs, seed):
    found = find_clusters(blobs(70, 30, seed))
    assert found.labels[70:].tolist() == [1] * 30  # the smaller one comes second
    assert (found.labels[:70] == 0).all()
    assert found.p < 0.001
    assert found.silhouette > 0.2


def test_a_valley_makes_the_difference(blobs):
    """Spectral clustering cuts these maps into pieces too; no valley parts them."""
    found = [find_clusters(blobs(60, seed=seed)) for seed in range(5)]
    assert all(one.pieces > 1 for one in found)
    assert all((one.labels == 0).all() and one.p is None for one in found)
    assert all(one.silhouette is None for one in found)


def test_the_order_of_images_does_not_matter(blobs):
    heat = blobs(40, 20)
    order = np.random.default_rng(1).permutation(60)
    straight, shuffled = find_clusters(heat), find_clusters(heat[order])
    assert (straight.labels[order] == shuffled.labels).all()
    np.testing.assert_allclose(straight.eigenvalues, shuffled.eigenvalues, atol=1e-9)


def test_the_same_maps_give_the_same_answer(blobs):
    first, second = (find_clusters(blobs(50, 20)) for _ in range(2))
    assert (first.labels == second.labels).all()
    assert first.p == second.p


def test_many_images_give_the_eigenvalues_of_few(blobs, monkeypatch):
    """Above DENSE, by Lanczos: the same spectrum and the same strategies."""
    heat = blobs(80, 40)
    dense = find_clusters(heat)
    monkeypatch.setattr(clustering, "DENSE", 10)
    sparse = find_clusters(heat)
    np.testing.assert_allclose(sparse.eigenvalues, dense.eigenvalues, atol=1e-7)
    assert (sparse.labels == dense.labels).all()


def test_equal_maps_are_one_strategy():
    found = find_clusters(np.full((9, 4, 4), 1 / 16))
    assert (found.labels == 0).all()
    assert found.p is None


def test_two_kinds_of_equal_maps_are_two():
    heat = np.zeros((24, 4, 4))
    heat[:14, 0, 0] = heat[14:, 3, 3] = 1
    heat += np.random.default_rng(0).uniform(0, 1e-6, heat.shape)
    found = find_clusters(heat)
    assert found.labels.tolist() == [0] * 14 + [1] * 10


@pytest.mark.parametrize(("of_all", "strategies"), [(0.3, 1), (0.0001, 2)])
def test_the_edge_of_a_crowd_is_no_strategy(blobs, monkeypatch, of_all, strategies):
    """A valley from each of two pieces counts only if there is one from both together."""

    def dip(points, labels, one, other):
        sizes = {int((labels == piece).sum()) for piece in (one, other)}
        return of_all if sizes == {10, 50} else 0.5 if sizes == {20, 30} else 0.0002

    monkeypatch.setattr(clustering, "_dip", dip)
    labels, p = clustering._joined(blobs(60), np.repeat([2, 0, 1], [10, 20, 30]))
    assert len(set(labels.tolist())) == strategies
    assert p == (of_all if strategies == 2 else None)
    assert (labels[10:] == 0).all()
