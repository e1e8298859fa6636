"""How samples are cut into slices."""

import numpy as np
import pytest

from sgcampp.engine.grid import lay_out


def rounds(lengths, groups):
    """Rounds of one sample a group that slices of these lengths take."""
    return sum(-(-length // groups) for length in lengths)


@pytest.mark.parametrize("groups", [1, 4, 10])
@pytest.mark.parametrize("batch_size", [1, 7, 10, 16, 64])
@pytest.mark.parametrize("nsamples", [0, 1, 5, 19, 25, 50, 200])
def test_slices_hold_each_sample_once_in_the_fewest_steps(nsamples, batch_size, groups):
    """And they take no more rounds than slices of like lengths would."""
    grid = lay_out(nsamples, batch_size, 1000, groups)
    lengths = [len(part) for part in grid.slices]
    np.testing.assert_array_equal(np.concatenate(grid.slices), np.arange(nsamples + 1))
    assert len(lengths) == -(-(nsamples + 1) // batch_size)
    assert grid.images == batch_size // max(lengths)
    alike = [len(part) for part in np.array_split(np.arange(nsamples + 1), len(lengths))]
    assert lengths == sorted(lengths, reverse=True)
    assert rounds(lengths, groups) <= rounds(alike, groups)
    if groups == 1:
        assert lengths == alike


def test_slices_are_whole_rounds_where_the_rest_still_fits():
    """By hand: 26 samples in batches of 16 are 16 + 10, three rounds of ten groups, not four."""
    assert [len(part) for part in lay_out(25, 16, 1, 10).slices] == [16, 10]
    assert [len(part) for part in lay_out(50, 16, 1, 10).slices] == [16, 15, 10, 10]
