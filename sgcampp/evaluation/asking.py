"""Which masked images are scored for an image's maps, and which score is whose."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.evaluation.mask_scoring import TIMES_MAP, MaskRow
from sgcampp.evaluation.preparing import PreparedImage
from sgcampp.evaluation.presets import CURVE_NAMES
from sgcampp.metrics.metric import Metric
from sgcampp.metrics.ordering import shares_of, step_counts
from sgcampp.metrics.subsets import cell_of_pixel, random_subsets

OUT, START = 0, 1
"""The fill of pixels that are taken out, and the one that an insertion starts from."""


class Asking:
    """Which masked images are scored for the maps of one image, and which score is whose.

    Args:
        image: with its maps.
        metrics: what is measured.
        steps: of curves.
        subsets: bool [k, g, g] of `mu_fidelity`, or None.
    """

    def __init__(
        self,
        image: PreparedImage,
        metrics: Sequence[Metric],
        steps: int,
        subsets: NDArray[np.bool_] | None,
    ) -> None:
        self._needs = {need for metric in metrics for need in metric.needs}
        self._pixels = image.model_input.shape[0] * image.model_input.shape[1]
        self._counts = step_counts(self._pixels, steps)
        self._subsets = subsets
        self._slots = len(image.ranks)
        self._at: dict[Any, int] = {}
        self._rows: list[MaskRow] = []
        self._ask_shared()
        for slot in range(self._slots):
            self._ask_of(slot)

    def rows(self, image: int, first_map: int, first_subset: int) -> list[MaskRow]:
        """The rows for `MaskScorer`: image, map, low, high, fill.

        Args:
            image: the image's number in its group.
            first_map: the number of its first slot in the group.
            first_subset: the number of the first subset among the group's maps.
        """
        starts = first_map, first_subset - self._slots
        return [
            (image, of_map + starts[of_map >= self._slots], low, high, fill)
            for _, of_map, low, high, fill in self._rows
        ]

    def _ask(self, name: Any, of_map: int, low: int, high: int, fill: int) -> None:
        self._at[name] = len(self._rows)
        self._rows.append((0, of_map, low, high, fill))

    def _ask_shared(self) -> None:
        """What all maps of the image share: it as it is, and each fill alone."""
        self._ask("clean", 0, 0, self._pixels, OUT)
        self._ask(("empty", OUT), 0, 0, 0, OUT)
        self._ask(("empty", START), 0, 0, 0, START)
        if "subset_scores" in self._needs and self._subsets is not None:
            for k in range(len(self._subsets)):
                self._ask(("subset", k), self._slots + k, TIMES_MAP, 0, OUT)

    def _ask_of(self, slot: int) -> None:
        if "p1" in self._needs:
            self._ask(("masked", slot), slot, TIMES_MAP, 0, OUT)
        for name in CURVE_NAMES:
            if name in self._needs:
                for count in self._counts[1:-1]:
                    low, high, fill = _kept(name, int(count), self._pixels)
                    self._ask((name, slot, int(count)), slot, low, high, fill)

    def given(self, scores: NDArray[np.float64], slot: int, class_idx: int) -> dict[str, Any]:
        """What metrics may take of one map, of the image's scores [rows, C]."""

        def p(name: Any) -> float:
            return float(scores[self._at[name], class_idx])

        found: dict[str, Any] = {"p0": p("clean"), "shares": shares_of(self._counts, self._pixels)}
        if ("masked", slot) in self._at:
            found["p1"] = p(("masked", slot))
        for name in CURVE_NAMES:
            if name in self._needs:
                inner = [p((name, slot, int(count))) for count in self._counts[1:-1]]
                empty = p(("empty", START if name == "insertion_curve" else OUT))
                ends = (empty, p("clean")) if name == "insertion_curve" else (p("clean"), empty)
                found[name] = [ends[0], *inner, ends[1]]
        if ("subset", 0) in self._at and self._subsets is not None:
            found["subsets"] = self._subsets
            found["subset_scores"] = [p(("subset", k)) for k in range(len(self._subsets))]
        return found


def _kept(curve: str, count: int, pixels: int) -> tuple[int, int, int]:
    """(lowest rank kept, first rank not kept, fill) at one step of a curve."""
    if curve == "insertion_curve":
        return 0, count, START
    return (count, pixels, OUT) if curve == "deletion_curve" else (0, pixels - count, OUT)


def subset_masks(seed: int, size: tuple[int, int]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """The sets of cells of `mu_fidelity`, bool [k, g, g], and float32 [k, H, W] without them."""
    subsets = random_subsets(seed=seed)
    cells = cell_of_pixel(size, subsets.shape[-1])
    return subsets, (~subsets.reshape(len(subsets), -1)[:, cells]).astype(np.float32)
