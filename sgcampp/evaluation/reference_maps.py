"""The rows that an evaluation makes of an image's maps, and the reference maps beside them."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.evaluation.request import Request
from sgcampp.evaluation.rows import EvaluationRow
from sgcampp.explain.classes import NO_CLASS
from sgcampp.metrics.catalogue import REFERENCES
from sgcampp.metrics.metric import Floats, Undefined
from sgcampp.tree.open_tree import OutputTree
from sgcampp.tree.rows import MapRow, Row

PLAIN = {
    "smooth_grad_cam_pp": "grad_cam_pp",
    "smooth_grad_cam": "grad_cam",
    "smooth_grad": "gradient",
}
"""The method without noise that each smoothed one is held against in `smoothness_gain`."""

Place = tuple[str, int, str]
"""(layer, target, across as JSON): maps that belong beside each other."""


@dataclass(frozen=True)
class ImageTask:
    """An image to evaluate. `partner`: the row of the image whose map is its `ref_shuffled`."""

    row: Row
    partner: Row | None


def codes_of(row: Row) -> NDArray[np.int32]:
    """The class codes of the classes explained in an image, int32 [T, 2], by target."""
    targets = dict.fromkeys((one.class_idx, one.against_idx) for one in row.maps)
    codes = [
        (-1 if of is None else of, NO_CLASS if against is None else against)
        for of, against in targets
    ]
    return np.array(codes, np.int32).reshape(-1, 2)


def own_rows(row: Row) -> Iterator[tuple[EvaluationRow, MapRow]]:
    """What an evaluation records of an image's maps, its numbers still missing."""
    targets: dict[tuple[int | None, int | None], int] = {}
    for map_row in row.maps:
        explained = map_row.class_idx, map_row.against_idx
        target = targets.setdefault(explained, len(targets))
        smooth = map_row.method in PLAIN
        yield (
            EvaluationRow(
                key=row.key,
                method=map_row.method or "",
                layer=map_row.layer or "",
                across=map_row.across,
                filters=map_row.filters,
                class_idx=map_row.class_idx,
                target=target,
                identical=bool(smooth and map_row.affine_head),
            ),
            map_row,
        )


def reference_maps(
    request: Request,
    key: str,
    own: Sequence[tuple[EvaluationRow, Floats]],
    pixels: NDArray[np.uint8],
    partner_map: Callable[[Place], Floats | None],
) -> Iterator[tuple[EvaluationRow, Floats]]:
    """The reference maps at each place where the image has maps, of their shape.

    Args:
        request: which references, and their seed.
        key: of the image.
        own: its maps.
        pixels: uint8 [H, W, 3], what the model sees of it.
        partner_map: the base method's map at a place of another image; None where there is none.
    """
    places: dict[tuple[Place, tuple[int, ...]], list[tuple[EvaluationRow, Floats]]] = {}
    for row, array in own:
        if row.filters is None:
            places.setdefault((place(row), array.shape), []).append((row, array))
    for (at_place, shape), beside in places.items():
        at = {row.method: array for row, array in beside}
        given: dict[str, Any] = {"shape": shape, "image": pixels, "seed": request.seed}
        given |= {"key": key, "plain_map": at.get("grad_cam_pp")}
        given |= {"smooth_map": at.get("smooth_grad_cam_pp")}
        given |= {"other_map": partner_map(at_place)}
        for name in request.references:
            reference = REFERENCES[name]
            if all(given[need] is not None for need in reference.needs):
                row = replace(beside[0][0], method=name, flat=False, identical=False)
                try:
                    yield row, reference.draw(given)
                except Undefined:
                    continue


def partner_map_of(tree: OutputTree, base: str, task: ImageTask, at_place: Place) -> Floats | None:
    """The base method's map at that place of another image, of its own first class."""
    if task.partner is None:
        return None
    for row, map_row in own_rows(task.partner):
        same = (row.layer, json.dumps(row.across or {}, sort_keys=True)) == (
            at_place[0],
            at_place[2],
        )
        if same and row.method == base and row.filters is None:
            try:
                return tree.array(map_row).astype(np.float64)
            except (KeyError, OSError, ValueError):
                return None
    return None


def place(row: EvaluationRow) -> Place:
    """Where a map belongs."""
    return row.layer, row.target, json.dumps(row.across or {}, sort_keys=True)
