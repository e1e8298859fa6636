"""Sets of exact size, hand-worked sums, and xplique's MuFidelity."""

import evaluation_oracles as oracles
import numpy as np
import pytest

from scripts.oracles import inputs
from sgcampp.metrics.metric import Undefined
from sgcampp.metrics.subsets import cell_of_pixel, mu_fidelity, random_subsets, subset_sums


def test_every_set_has_exactly_its_size():
    """A fifth of 81 cells is 16.2."""
    sets = random_subsets(200, 9, share=0.2, seed=3)
    assert sets.shape == (200, 9, 9)
    assert set(sets.sum((1, 2))) == {16}
    assert len({one.tobytes() for one in sets}) == 200
    assert np.array_equal(sets, random_subsets(200, 9, share=0.2, seed=3))
    assert not np.array_equal(sets, random_subsets(200, 9, share=0.2, seed=4))
    assert random_subsets(2, 3, share=0.0).sum((1, 2)).tolist() == [1, 1]


def test_cells_of_pixels_by_hand():
    """Five columns in two: the middle one's centre is on the border, and goes right."""
    assert cell_of_pixel((2, 5), 2).tolist() == [[0, 0, 1, 1, 1], [2, 2, 3, 3, 3]]
    assert cell_of_pixel((1, 4), 1).tolist() == [[0, 0, 0, 0]]
    assert cell_of_pixel((3, 3), 3).ravel().tolist() == list(range(9))


def test_sums_by_hand():
    """Cells of [[1, 2], [3, 4]] stretched to 4 × 4 hold 4, 8, 12, 16."""
    saliency = np.kron([[1.0, 2.0], [3.0, 4.0]], np.ones((2, 2)))
    sets = [[[1, 0], [0, 0]], [[0, 1], [1, 0]], [[1, 1], [1, 1]]]
    assert subset_sums(saliency, sets).tolist() == [4, 20, 40]


def test_mu_fidelity_by_hand():
    """Sums 4, 20, 40 rank 1, 2, 3; costs .1, .3, .2 rank 1, 3, 2: 1 − 6·2/(3·8) = 1/2."""
    saliency = np.kron([[1.0, 2.0], [3.0, 4.0]], np.ones((2, 2)))
    sets = [[[1, 0], [0, 0]], [[0, 1], [1, 0]], [[1, 1], [1, 1]]]
    assert mu_fidelity(saliency, 0.9, sets, [0.8, 0.6, 0.7]) == pytest.approx(0.5, abs=1e-12)
    assert mu_fidelity(saliency, 0.9, sets, [0.8, 0.7, 0.6]) == pytest.approx(1, abs=1e-12)
    # Tied costs share a rank, 1.5: the centred ranks (−1, 0, 1) and (−.5, −.5, 1).
    tied = mu_fidelity(saliency, 0.9, sets, [0.8, 0.8, 0.6])
    assert tied == pytest.approx(1.5 / np.sqrt(2 * 1.5), abs=1e-12)


def test_mu_fidelity_as_xplique_finds_it():
    sets = inputs.subsets()
    pixels = sets.reshape(len(sets), -1)[:, cell_of_pixel((10, 10), inputs.GRID)]
    theirs = oracles.found("xplique")["mu_fidelity"]
    for (image, saliency, c), value in zip(oracles.each(), theirs, strict=True):
        scores = inputs.probabilities(image * ~pixels[..., None], c)
        ours = mu_fidelity(saliency, oracles.probability(image, c), sets, scores)
        assert ours == pytest.approx(value, abs=1e-6)


def test_mu_fidelity_without_a_value():
    sets = random_subsets(5, 2, share=0.5)
    M = np.arange(16.0).reshape(4, 4)
    for args, word in (
        ((np.ones((4, 4)), 0.9, sets, np.arange(5) / 9), "flat_map"),
        ((np.zeros((4, 4)), 0.9, sets, np.arange(5) / 9), "flat_map"),
        ((M, 0.9, sets, np.full(5, 0.3)), "constant"),
        ((M, np.nan, sets, np.arange(5) / 9), "score_not_finite"),
        ((M, 0.9, sets, [0.1, 0.2, np.nan, 0.3, 0.4]), "score_not_finite"),
        ((M + np.inf, 0.9, sets, np.arange(5) / 9), "map_not_finite"),
        ((M, 0.9, sets[:1], [0.1]), "constant"),
    ):
        with pytest.raises(Undefined) as caught:
            mu_fidelity(*args)
        assert caught.value.reason == word
    with pytest.raises(ValueError, match="differ"):
        mu_fidelity(M, 0.9, sets, [0.1, 0.2])
