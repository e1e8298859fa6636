"""Where the heat lies, by numbers worked out by hand."""

import numpy as np
import pytest

from sgcampp.strategies.places import area_of_half, border_share, corner_shares, hottest_place

EVEN = {side: np.full((side, side), 1 / side**2) for side in (3, 7, 8)}


@pytest.mark.parametrize("side", EVEN)
def test_an_even_map_has_its_area_everywhere(side):
    assert list(corner_shares(EVEN[side]).values()) == pytest.approx([1 / 16] * 4)
    assert border_share(EVEN[side]) == pytest.approx(1 - 0.75**2)
    assert area_of_half(EVEN[side]) == pytest.approx(0.5)


def test_a_corner_of_whole_neurons():
    heat = np.zeros((4, 4))
    heat[3, 0], heat[1, 1] = 0.7, 0.3
    assert corner_shares(heat) == pytest.approx(
        {"top left": 0, "top right": 0, "bottom left": 0.7, "bottom right": 0}
    )
    # Of the neuron in the corner three quarters lie in the border, of that in the middle nothing.
    assert border_share(heat) == pytest.approx(0.7 * 0.75)
    assert hottest_place(heat) == "bottom left"
    # The hottest neuron's 0.7 holds half in 0.5/0.7 of a neuron, of 16.
    assert area_of_half(heat) == pytest.approx(0.5 / 0.7 / 16)


def test_the_ninths_of_a_picture():
    for number, name in enumerate(
        [
            *("top left", "top", "top right", "left", "middle", "right"),
            *("bottom left", "bottom", "bottom right"),
        ]
    ):
        heat = np.zeros((9, 6))
        row, column = divmod(number, 3)
        heat[3 * row + 1, 2 * column] = 1
        assert hottest_place(heat) == name
