"""Integrated gradients that step until their attributions add up."""

import numpy as np
import pytest
import tiny

from sgcampp import Explainer, UserError
from sgcampp.engine.refining import DOUBLINGS, finer_grid, refined
from sgcampp.engine.results import Classes, GroupResult, Maps
from sgcampp.explain.looks import Look
from sgcampp.explain.methods import METHODS

IG = "integrated_gradients"


def explainer(twin, **settings):
    return Explainer(twin.model, None, IG, **settings)


@pytest.fixture(scope="module")
def twin():
    return tiny.pixel_cnn(seed=5)


def test_steps_are_doubled_until_little_is_missed_and_the_map_is_that_of_so_many_steps(twin):
    images = tiny.images(6)
    coarse = explainer(twin, ig_steps=2)(images)
    got = explainer(twin, ig_steps=2, ig_tolerance=0.02)(images)
    assert coarse.completeness.max() > 0.02
    assert got.completeness.max() <= 0.02
    assert len(set(got.ess)) > 2
    for steps in set(got.ess):
        same = explainer(twin, ig_steps=int(steps))(images)
        chosen = got.ess == steps
        atol = 1e-6 * same.maps.max()
        np.testing.assert_allclose(got.maps[chosen], same.maps[chosen], rtol=0, atol=atol)
        np.testing.assert_allclose(got.completeness[chosen], same.completeness[chosen], atol=1e-6)
        if steps > 2:
            fewer = explainer(twin, ig_steps=int(steps) // 2)(images)
            assert (fewer.completeness[chosen] > 0.02).all()


def test_each_class_has_the_steps_that_it_needs(twin):
    images = tiny.images(3)
    settings = {"ig_steps": 2, "ig_tolerance": 0.02}
    both = explainer(twin, **settings)(images, "top2")
    for rank in (1, 2):
        alone = explainer(twin, **settings)(images, [int(c) for c in both.class_idx[:, rank - 1]])
        np.testing.assert_array_equal(both.ess[:, rank - 1], alone.ess)
        atol = 1e-6 * alone.maps.max()
        np.testing.assert_allclose(both.maps[:, rank - 1], alone.maps, rtol=0, atol=atol)
    assert (both.ess[:, 0] != both.ess[:, 1]).any()


def test_what_is_complete_is_left_as_it_is(twin):
    images = tiny.images(3)
    plain = explainer(twin, ig_steps=8)(images)
    got = explainer(twin, ig_steps=8, ig_tolerance=1.0)(images)
    np.testing.assert_array_equal(got.maps, plain.maps)
    np.testing.assert_array_equal(got.ess, 8)


@pytest.mark.parametrize("tolerance", [0, -0.1, np.nan, np.inf, True, "small"])
def test_tolerances_out_of_range_are_refused(twin, tolerance):
    with pytest.raises(UserError, match="ig_tolerance"):
        explainer(twin, ig_tolerance=tolerance)


def result(completeness):
    """Of one look; all that a map has is the number of steps that made it."""
    missing = np.array(completeness, float)
    whole = np.ones((*missing.shape, 1, 1))
    maps = Maps(whole, whole[..., None], *(10 * [missing]))
    return GroupResult(Classes(*(4 * [missing])), {LOOK: maps}, {})


LOOK = Look(METHODS[IG], nsamples=3)


def test_no_more_is_asked_for_than_is_missing_and_not_for_ever():
    asked = []

    def again(rows, steps):
        asked.append((rows.tolist(), steps))
        return result([[0.5]] * len(rows))

    refined(result([[0.0], [0.9], [np.nan]]), 3, 0.1, again)
    assert asked == [([1], 3 * 2**k) for k in range(1, DOUBLINGS + 1)]
    asked.clear()
    refined(result([[0.9]]), 40_000, 0.1, again)
    assert [steps for _, steps in asked] == [80_000]


def test_finer_grids_have_no_larger_steps():
    from sgcampp.engine.grid import lay_out

    grid = lay_out(51, 16, 1000)
    finer = finer_grid(grid, 102)
    assert finer.images == grid.images
    assert max(map(len, finer.slices)) <= len(grid.slices[0])
    np.testing.assert_array_equal(np.concatenate(finer.slices), np.arange(102))
