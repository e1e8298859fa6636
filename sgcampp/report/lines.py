"""Manifest rows become the page's data: a line of JSON an image, safe within a script element."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.report.findings import Findings
from sgcampp.report.inlined import Inlined
from sgcampp.report.values import concentration, packed
from sgcampp.tree.open_tree import OutputTree
from sgcampp.tree.rows import MapRow, Row, to_line

RAW_CHARACTERS = 64 << 20
"""How much of the page raw values may take; those of further maps are left out."""


class PageLines:
    """Turns rows into lines, and counts what had to be left out.

    A line holds `row`, the manifest row as it stands; `there`, whether its image is where the run
    found it; what `findings` knows of it; and `maps`, for each map what is known of it, its
    `concentration` and its `packed` values, as far as the run wrote arrays.

    Args:
        tree: the output tree.
        findings: that have learned the tree's rows; their means take in each array.
        budget: characters that raw values may take.
        inlined: for pictures that the page can't link to.

    Attributes:
        unread: arrays that could not be read.
        left_out: maps whose raw values found no room.
    """

    def __init__(
        self,
        tree: OutputTree,
        findings: Findings,
        budget: int = RAW_CHARACTERS,
        inlined: Inlined | None = None,
    ) -> None:
        self._tree, self._findings, self._budget = tree, findings, budget
        self._inlined = inlined or Inlined(tree, wanted=False)
        self.unread = self.left_out = 0

    def line(self, row: Row) -> str:
        """One image as a line of ASCII JSON without "<"."""
        facts: dict[str, Any] = {
            "there": self._tree.image(row) is not None,
            **self._findings.of_image(row),
            "maps": [
                {**known, **self._facts(row, map_row)}
                for map_row, known in zip(row.maps, self._findings.of_maps(row), strict=True)
            ],
        }
        pictures = self._inlined.urls(_pictures(row))
        if pictures:
            facts["pictures"] = pictures
        manifest = to_line(row).decode("ascii").rstrip("\n")
        return f'{{"row":{manifest},{script_json(facts)[1:]}'.replace("<", "\\u003c")

    def _facts(self, row: Row, map_row: MapRow) -> dict[str, Any]:
        if "arrays" not in map_row.files:
            return {}
        try:
            saliency = self._tree.array(map_row)
        except (OSError, ValueError, MemoryError) as error:
            self.unread += 1
            reason = getattr(error, "strerror", None) or str(error)
            return {"unread": reason or "does not fit into memory"}
        self._findings.means.add(row, map_row, saliency)
        return {"concentration": _rounded(concentration(saliency)), **self._packed(saliency)}

    def _packed(self, saliency: NDArray[np.float32]) -> dict[str, Any]:
        values = packed(saliency)
        if len(values["raw"]) > self._budget:
            self.left_out += 1
            return {"left_out": True}
        self._budget -= len(values["raw"])
        return values


def script_json(value: Any) -> str:
    """JSON that may stand in a script element: ASCII (so no U+2028), and nothing ends the element.

    Lone surrogates, which stand for bytes that are not UTF-8, are escaped too.
    """
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")


def _pictures(row: Row) -> Iterator[str | None]:
    """The pictures that the page shows of a row, as picturePath of list.js and errors have it."""
    for map_row in row.maps:
        yield map_row.files.get("overlays") or map_row.files.get("heatmaps")
        yield map_row.files.get("error_heatmaps")
    yield row.files.get("panels")


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)
