"""Mean maps by class, by confusion, and of right and wrong: a picture of what the maps agree on."""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.report.overview import identity
from sgcampp.report.truth import Class, Truth, Verdict, explains_the_choice
from sgcampp.strategies.heat import Floats, heat_of, resized
from sgcampp.strategies.maps import Group, group_of, groups_of
from sgcampp.tree.rows import MapRow, Row

MOST_OF_A_KIND, MOST = 24, 480
"""Mean maps of one kind by one method at one layer, and on a page; the largest are kept."""
CLASS, CONFUSED, RIGHT, WRONG = "class", "confused", "right", "wrong"


@dataclass(frozen=True, order=True)
class Meaned:
    """Whose maps are averaged.

    Attributes:
        series: of their method, layer, settings as JSON, and feature maps.
        kind: one of the above.
        words: the class, or `A taken for B`; "" for all that are right, or wrong.
        identity: of the class, as the page has it.
    """

    series: tuple[str, str, str, tuple[int, ...]]
    kind: str
    words: str = ""
    identity: str = ""


class Means:
    """Counts which means there would be, then makes the largest of them.

    Args:
        truth: what the images are labelled as.
    """

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._classes: Counter[Meaned] = Counter()
        self._told: Counter[tuple[Group, str | None, Class]] = Counter()
        self._sums: dict[Meaned, tuple[Floats, int]] = {}
        self._wanted: list[Meaned] = []

    def counting(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Passes rows on and counts them."""
        for row in rows:
            self._truth.note(row)
            taken, text = self._truth.taken(row), self._truth.text(row)
            for group, one in groups_of(row):
                self._classes[_by_class(group, one)] += 1
                if taken is not None and text is not None and explains_the_choice(row, one):
                    self._told[group, text, taken] += 1
            yield row

    def choose(self) -> None:
        """Chooses the means to make; the labels must be settled."""
        counts = Counter(self._classes)
        for (group, text, taken), count in self._told.items():
            for meaned in _judged(group, self._truth.known(text, taken)):
                counts[meaned] += count
        of_a_kind: Counter[tuple[object, str]] = Counter()
        for meaned in sorted(counts, key=lambda one: (-counts[one], one)):
            of_a_kind[meaned.series, meaned.kind] += 1
            if of_a_kind[meaned.series, meaned.kind] <= MOST_OF_A_KIND:
                self._wanted.append(meaned)
        del self._wanted[MOST:]
        self._sums = dict.fromkeys(self._wanted, (np.zeros((0, 0)), 0))

    def add(self, row: Row, one: MapRow, saliency: NDArray[np.float32]) -> None:
        """Takes in one map of an image, float32 [h, w]."""
        group = group_of(one)
        if group is None:
            return
        judged = _judged(group, self._truth.of(row) if explains_the_choice(row, one) else None)
        wanted = [m for m in (_by_class(group, one), *judged) if m in self._sums]
        heat = heat_of(saliency) if wanted else None
        if heat is None:
            return
        for meaned in wanted:
            total, count = self._sums[meaned]
            if count:
                heat = resized(heat, (total.shape[0], total.shape[1]))
            self._sums[meaned] = (total + heat if count else heat), count + 1

    def facts(self) -> list[dict[str, Any]]:
        """The means for the page's script, the largest first."""
        return [_fact(meaned, *self._sums[meaned]) for meaned in self._wanted]


def _by_class(group: Group, one: MapRow) -> Meaned:
    explained = (one.class_idx, one.class_name), (one.against_idx, one.against_name)
    return Meaned(_series(group), CLASS, group.class_name, identity(*explained))


def _judged(group: Group, verdict: Verdict | None) -> Iterator[Meaned]:
    if verdict is None or verdict.right is None:
        return
    yield Meaned(_series(group), RIGHT if verdict.right else WRONG)
    if not verdict.right:
        yield Meaned(_series(group), CONFUSED, f"{verdict.label} taken for {verdict.taken}")


def _series(group: Group) -> tuple[str, str, str, tuple[int, ...]]:
    return group.method, group.layer, group.settings, group.filters


def _fact(meaned: Meaned, total: Floats, count: int) -> dict[str, Any]:
    method, layer, settings, filters = meaned.series
    return {
        "method": method,
        "layer": layer,
        "across": json.loads(settings),
        "filters": list(filters) or None,
        "kind": meaned.kind,
        "words": meaned.words,
        "identity": meaned.identity,
        "count": count,
        **(picture(total) if count else {}),
    }


def picture(heat: Floats) -> dict[str, Any]:
    """A small map for the page's script: `shape`, and `heat`, a byte a neuron, its peak 255."""
    levels = np.rint(heat * (255 / (heat.max() or 1))).astype(np.uint8)
    return {"shape": list(heat.shape), "heat": base64.b64encode(levels.tobytes()).decode("ascii")}
