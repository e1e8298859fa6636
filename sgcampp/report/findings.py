"""What is known of a run's images and maps beside their rows: labels, strategies, measurements."""

import json
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

from sgcampp.export.evaluated import Evaluated
from sgcampp.report.means import Means, picture
from sgcampp.report.overview import Overview, overview
from sgcampp.report.truth import Truth
from sgcampp.strategies.maps import Group, group_of
from sgcampp.strategies.reading import Known, known_strategies
from sgcampp.tree.open_tree import OutputTree
from sgcampp.tree.rows import MapRow, Row

DIGITS = 6
"""Of measurements on the page."""


class Findings:
    """Joins to rows what else lies in their tree; a context manager, as it keeps files open.

    Args:
        tree: the output tree.
        truth: what its images are labelled as.

    Attributes:
        means: mean maps, to which the arrays are added as they are read.
        metrics: that an evaluation measured.

    Raises:
        UserError: for a damaged evaluation, or damaged strategies.
    """

    def __init__(self, tree: OutputTree, truth: Truth) -> None:
        self._truth, self.means = truth, Means(truth)
        self._strategies = known_strategies(tree.store)
        self._number: dict[Group, dict[str, int]] = {}
        for number, one in enumerate(self._strategies):
            self._number.setdefault(one.group, {}).update(dict.fromkeys(one.members, number))
        self._open = ExitStack()
        self._evaluated = self._open.enter_context(Evaluated(tree.store))
        self.metrics = self._evaluated.metrics

    def learn(self, rows: Iterable[Row]) -> Overview:
        """Counts all rows and chooses what to make means of; before anything else is asked."""
        counted = overview(self.means.counting(rows))
        self._truth.settle(one for explained in counted.classes for one in explained)
        self.means.choose()
        return counted

    def of_image(self, row: Row) -> dict[str, Any]:
        """`label`, and `right` with what it is `taken` for, as far as they are known."""
        verdict = self._truth.of(row)
        known = {} if verdict is None else vars(verdict)
        return {name: value for name, value in known.items() if value is not None}

    def of_maps(self, row: Row) -> list[dict[str, Any]]:
        """For each map `strategy`, a number, and `worth`, a value or null by metric."""
        facts = [
            {"strategy": self._strategy(row, one), "worth": worth}
            for one, worth in zip(row.maps, self._worth(row), strict=True)
        ]
        return [{name: one for name, one in known.items() if one is not None} for known in facts]

    def facts(self) -> dict[str, Any]:
        """What the page's script must know, when all maps have been seen."""
        return {"means": self.means.facts(), "strategies": [*map(_strategy, self._strategies)]}

    def _strategy(self, row: Row, one: MapRow) -> int | None:
        group = group_of(one) if self._number else None
        return None if group is None else self._number.get(group, {}).get(row.key)

    def _worth(self, row: Row) -> list[list[float | None] | None]:
        if not self.metrics:
            return [None] * len(row.maps)
        measured = self._evaluated.of_maps({"key": row.key, "maps": [*map(vars, row.maps)]})
        return [self._values(one["metrics"]) if one.get("metrics") else None for one in measured]

    def _values(self, metrics: dict[str, float]) -> list[float | None]:
        return [_rounded(metrics.get(name)) for name in self.metrics]

    def __enter__(self) -> "Findings":
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.close()


def _strategy(one: Known) -> dict[str, Any]:
    group = one.group
    made = {"method": group.method, "layer": group.layer, "across": json.loads(group.settings)}
    return {"class": group.class_name, "says": one.says, **made, **picture(one.mean)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
