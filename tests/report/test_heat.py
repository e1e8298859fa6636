"""A small map as SVG: every neuron where it is, in the colour of its heat."""

import re

import numpy as np

from sgcampp.report.heat import heat_picture


def test_every_neuron_has_its_place_and_colour():
    picture = heat_picture(np.array([[0.0, 0.5], [1.0, 0.0], [0.25, 0.0]]), 'the <map> of "a"')
    assert 'viewBox="0 0 2 3"' in picture
    assert 'aria-label="the &lt;map&gt; of &#34;a&#34;"' in picture
    places, colours = re.findall(r'd="M(\d \d)', picture), re.findall(r'fill="(#\w{6})"', picture)
    cells = dict(zip(places, colours, strict=True))
    assert cells["0 0"] == cells["1 1"] == "#440154"  # viridis at 0
    assert cells["0 1"] == "#fde725"  # at 1
    assert cells["1 0"] == "#22908c"  # between its two middle colours
    assert len(cells) == 6


def test_a_map_without_heat_is_all_dark():
    assert set(re.findall(r'fill="(#\w{6})"', heat_picture(np.zeros((2, 2)), ""))) == {"#440154"}
