"""Strategies read back are those that were written."""

import numpy as np
import pytest
from findings_tree import find_strategies

from sgcampp.errors import UserError
from sgcampp.storage.local import LocalStore
from sgcampp.strategies.findings import sentence
from sgcampp.strategies.reading import known_strategies


def test_they_are_what_was_found(tmp_path):
    assert known_strategies(LocalStore(tmp_path)) == []
    (finding,) = find_strategies(tmp_path)
    known = known_strategies(LocalStore(tmp_path))
    for one, strategy in zip(known, finding.strategies, strict=True):
        assert one.group == finding.group
        assert (one.says, one.members) == (sentence(strategy), strategy.members)
        np.testing.assert_array_equal(one.mean, strategy.mean)


def test_a_damaged_line_is_named(tmp_path):
    find_strategies(tmp_path)
    with (tmp_path / "strategies.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(UserError, match="line 2 is no finding"):
        known_strategies(LocalStore(tmp_path))
