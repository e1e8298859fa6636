"""The lines for programs: strict JSON that says what was found."""

import json

import numpy as np

from sgcampp.strategies.exports import to_lines
from sgcampp.strategies.findings import find_strategies
from sgcampp.strategies.maps import Group, GroupMaps, Member


def test_a_line_has_what_the_page_has(blobs):
    group = Group("grad_cam", "late", '{"nsamples": 5}', (3, 8), "café", 7)
    members = [Member(f"{n}.png", None, None) for n in range(60)]
    finding = find_strategies(GroupMaps(group, members, blobs(40, 20), 2))
    (line,) = to_lines([finding]).splitlines()
    told = json.loads(line, parse_constant=lambda word: 1 / 0)
    assert (told["class_name"], told["class_idx"], told["flat"]) == ("café", 7, 2)
    assert (told["across"], told["filters"]) == ({"nsamples": 5}, [3, 8])
    middle, corner = told["strategies"]
    assert (middle["images"], corner["images"], corner["corner"]) == (40, 20, "bottom right")
    assert corner["members"] == [f"{n}.png" for n in range(40, 60)]
    assert corner["probability"] is None
    assert np.isclose(np.sum(corner["mean_map"]), 1)
