"""Strategies that were found in an output tree, read back."""

import json
from dataclasses import dataclass

import numpy as np

from sgcampp.errors import UserError
from sgcampp.storage.store import Store
from sgcampp.strategies.heat import Floats
from sgcampp.strategies.maps import Group

STRATEGIES = "strategies.jsonl"


@dataclass(frozen=True, eq=False)
class Known:
    """A strategy. `says`: what it looks at; `members`: keys; `mean`: [h, w], of the sum 1."""

    group: Group
    says: str
    members: list[str]
    mean: Floats


def known_strategies(store: Store) -> list[Known]:
    """The strategies of those classes that fall apart into several; [] where none were looked for.

    Raises:
        UserError: for a damaged file.
    """
    try:
        lines = store.read(STRATEGIES).data.splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    found: list[Known] = []
    for number, line in enumerate(lines, 1):
        try:
            found += _of_line(line)
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{store.shown(STRATEGIES)}, line {number} is no finding: "
                "run sgcampp strategies again"
            ) from error
    return found


def _of_line(line: bytes) -> list[Known]:
    record = json.loads(line)
    settings = json.dumps(record["across"], sort_keys=True)
    filters = tuple(record["filters"] or ())
    names = record["class_name"], record["class_idx"]
    group = Group(record["method"], record["layer"], settings, filters, *names)
    return [
        Known(group, one["says"], one["members"], np.array(one["mean_map"], np.float64))
        for one in record["strategies"]
        if len(record["strategies"]) > 1
    ]
