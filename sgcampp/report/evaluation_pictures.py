"""The lists of images that stand out, with their pictures, as data for the page's script."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sgcampp.report.extremes import Extreme, Extremes
from sgcampp.tree.index import ManifestIndex
from sgcampp.tree.rows import MapRow, Row
from sgcampp.tree.words import class_words

if TYPE_CHECKING:
    from sgcampp.evaluation.rows import Series


@dataclass
class PictureLists:
    """Turns what stands out into what the page's script reads.

    Attributes:
        index: the tree's manifest.
        images: (key, path of the panel or null) of each image in a list.
    """

    index: ManifestIndex
    images: list[tuple[str, str | None]] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)
    _rows: dict[str, Row | None] = field(default_factory=dict)

    def data(self, extremes: Extremes) -> dict[str, Any]:
        """`lists` by comparison and metric, each (better, worse); `images` that they refer to."""
        lists = [
            [[self._list(ones, pair) for ones in both] for both in metrics]
            for pair, metrics in zip(extremes.pairs, extremes.lists(), strict=True)
        ]
        return {
            "pairs": [[first.label, other.label, first.layer] for first, other in extremes.pairs],
            "metrics": [[one.name, one.better, one.unit] for one in extremes.metrics],
            "lists": lists,
            "images": self.images,
        }

    def _list(self, ones: list[Extreme], pair: "tuple[Series, Series]") -> list[list[Any]]:
        return [self._entry(one, *pair) for one in ones]

    def _entry(self, one: Extreme, first: "Series", other: "Series") -> list[Any]:
        """[place in `images`, class, value of the first, of the other, picture of each]."""
        row = self._row(one.key)
        maps = [_map_of(row, series, one.class_idx) for series in (first, other)]
        known = next((found for found in maps if found), None)
        name = known.class_name if known else None
        words = class_words(one.class_idx, name, *_against(known))
        values = [_short(one.first), _short(one.other)]
        return [self._places[one.key], words, *values, *map(_picture, maps)]

    def _row(self, key: str) -> Row | None:
        if key not in self._places:
            row = self._rows[key] = self.index.row(key)
            self._places[key] = len(self.images)
            self.images.append((key, row.files.get("panels") if row else None))
        return self._rows[key]


def pictures_in(lists: dict[str, Any]) -> Iterator[str | None]:
    """The paths of all pictures that the lists show."""
    for both in (both for metrics in lists["lists"] for both in metrics):
        for *_, mine, theirs in (entry for ones in both for entry in ones):
            yield from (mine, theirs)
    yield from (panel for _, panel in lists["images"])


def _map_of(row: Row | None, series: "Series", class_idx: int | None) -> MapRow | None:
    for one in row.maps if row else []:
        settings = json.dumps(one.across or {}, sort_keys=True)
        own = one.method, one.layer, settings, tuple(one.filters or ()), one.class_idx
        if own == (series.method, series.layer, series.settings, series.filters, class_idx):
            return one
    return None


def _against(known: MapRow | None) -> tuple[int | None, str | None]:
    return (known.against_idx, known.against_name) if known else (None, None)


def _picture(known: MapRow | None) -> str | None:
    files = known.files if known else {}
    return files.get("overlays") or files.get("heatmaps")


def _short(value: float) -> float:
    return float(f"{value:.6g}")
