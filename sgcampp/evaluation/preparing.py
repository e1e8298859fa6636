"""The first stage: an image, its maps and their reference maps, ready to be scored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sgcampp.annotations.boxes import Annotations
from sgcampp.annotations.instances import AnnotationFault, Seen, seen
from sgcampp.engine.fills import FILLS
from sgcampp.evaluation.reference_maps import (
    ImageTask,
    codes_of,
    own_rows,
    partner_map_of,
    reference_maps,
)
from sgcampp.evaluation.request import Request
from sgcampp.evaluation.rows import FAILED, LEFT_OUT, EvaluationRow
from sgcampp.images.decode import read_image
from sgcampp.images.faults import ImageError, Reason
from sgcampp.metrics.arrays import normalise
from sgcampp.metrics.catalogue import REFERENCES
from sgcampp.metrics.metric import Floats
from sgcampp.metrics.ordering import pixel_ranks
from sgcampp.metrics.resizing import resize
from sgcampp.models.classifier import Classifier
from sgcampp.tree.open_tree import OutputTree
from sgcampp.tree.rows import Row


@dataclass(frozen=True, eq=False)
class PreparedMap:
    """One map, or reference map, of an image.

    Attributes:
        row: what is recorded about it, its numbers still missing.
        layer_map: float64 [h, w].
        saliency: float64 [H, W], at the model's input's size.
        normalised: float64 [H, W], M̂.
        slot: its number among the image's different maps: identical ones are scored once.
    """

    row: EvaluationRow
    layer_map: Floats
    saliency: Floats
    normalised: Floats
    slot: int


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """An image with all its maps.

    Attributes:
        key: its key.
        model_input: float32 [H, W, C].
        codes: int32 [T, 2], class codes by target.
        fills: float32 [2, H, W, C].
        maps: what is measured.
        ranks: int32 [H, W], one a slot.
        masks: float32 [H, W], M̂, one a slot.
        objects: the annotated objects that the model could see, by class; None without boxes.
        unmeasured: rows of maps that are left out.
    """

    key: str
    model_input: NDArray[np.float32]
    codes: NDArray[np.int32]
    fills: NDArray[np.float32]
    maps: list[PreparedMap]
    ranks: list[NDArray[np.int32]]
    masks: list[NDArray[np.float32]]
    objects: Mapping[int, Seen] | None
    unmeasured: list[EvaluationRow]


class Preparer:
    """Prepares images; its calls run in threads.

    Args:
        tree: the output tree.
        classifier: the model.
        request: what is measured.
        annotations: objects, or None.
    """

    def __init__(
        self,
        tree: OutputTree,
        classifier: Classifier,
        request: Request,
        annotations: Annotations | None,
    ) -> None:
        self._tree, self._classifier = tree, classifier
        self._request, self._annotations = request, annotations

    def __call__(self, task: ImageTask) -> PreparedImage | list[EvaluationRow]:
        """Reads and prepares one image; or the rows of its maps, if that can't be done."""
        try:
            return self._prepared(task)
        except ImageError as error:
            return [
                replace(row, status=FAILED, reason=error.reason.value)
                for row, _ in own_rows(task.row)
            ]

    def _prepared(self, task: ImageTask) -> PreparedImage:
        rgb = self._pixels(task.row)
        model_input = self._classifier.preprocess(rgb)[0]
        own, unmeasured = self._own_maps(task.row)
        pixels = self._classifier.preprocessing.pixels(rgb)
        partner = partial(partner_map_of, self._tree, self._request.base, task)
        drawn = [*own, *reference_maps(self._request, task.row.key, own, pixels, partner)]
        size = model_input.shape[0], model_input.shape[1]
        maps, ranks, masks = slots_of(drawn, size, self._request.seed)
        out, start = self._request.fill[0], self._request.fill[-1]
        fills = [FILLS[name](model_input, self._classifier.black) for name in (out, start)]
        objects, faults = self._objects(task.row, maps, rgb.shape[:2], size)
        return PreparedImage(
            task.row.key,
            model_input,
            codes_of(task.row),
            np.stack(fills),
            maps,
            ranks,
            masks,
            objects,
            unmeasured + faults,
        )

    def _pixels(self, row: Row) -> NDArray[np.uint8]:
        place = self._tree.original(row)
        if place is None:
            raise ImageError(Reason.VANISHED, "the image is not where the run found it")
        picture = read_image(place, int(self._tree.values.get("max_pixels") or 10**8))
        if picture.sha256 != row.sha256:
            raise ImageError(Reason.CHANGED, "the image has changed since it was explained")
        return picture.rgb

    def _own_maps(self, row: Row) -> tuple[list[tuple[EvaluationRow, Floats]], list[EvaluationRow]]:
        """The image's own maps, and the rows of those whose array can't be read."""
        found, unmeasured = [], []
        for measured, map_row in own_rows(row):
            try:
                array = self._tree.array(map_row).astype(np.float64)
            except (KeyError, OSError, ValueError):
                unmeasured.append(replace(measured, status=FAILED, reason="array_unreadable"))
                continue
            found.append((replace(measured, flat=not array.any()), array))
        return found, unmeasured

    def _objects(
        self,
        row: Row,
        maps: list[PreparedMap],
        image_size: tuple[int, ...],
        size: tuple[int, int],
    ) -> tuple[dict[int, Seen] | None, list[EvaluationRow]]:
        """The objects of each class explained, and a row that says why there are none."""
        if self._annotations is None:
            return None, []
        try:
            instances = self._annotations.of(row.key, (image_size[0], image_size[1]))
        except AnnotationFault as fault:
            reason = fault.reason.replace(" ", "_")
            note = EvaluationRow(row.key, "annotations", "", status=LEFT_OUT, reason=reason)
            return {}, [note]
        top, left, height, width = row.view or [0.0, 0.0, *map(float, image_size[:2])]
        view = top, left, height, width
        classes = {one.row.class_idx for one in maps if one.row.class_idx is not None}
        found = {c: seen(instances, c, view, size) for c in sorted(classes)}
        return found, []


def slots_of(
    drawn: list[tuple[EvaluationRow, Floats]], size: tuple[int, int], seed: int
) -> tuple[list[PreparedMap], list[NDArray[np.int32]], list[NDArray[np.float32]]]:
    """Maps at the input's size; those that are the same to the bit share what is scored.

    Args:
        drawn: rows, and maps float64 [h, w].
        size: (H, W) of the model's input.
        seed: of ties.

    Returns:
        The maps, and by slot int32 [H, W] ranks and float32 [H, W] M̂.
    """
    slots: dict[tuple[bytes, bool], int] = {}
    maps: list[PreparedMap] = []
    ranks, masks, large = [], [], []
    for row, array in drawn:
        is_reference = row.method in REFERENCES
        as_it_is = is_reference and REFERENCES[row.method].is_normalised
        identity = (array.tobytes(), as_it_is)
        if identity not in slots:
            slots[identity] = len(slots)
            saliency = resize(array, size)
            # Of a signed map what speaks for the class; ranks go by the whole of it.
            normalised = saliency if as_it_is else normalise(np.maximum(saliency, 0))
            large.append((saliency, normalised))
            ranks.append(pixel_ranks(saliency, seed=seed))
            masks.append(normalised.astype(np.float32))
        slot = slots[identity]
        maps.append(PreparedMap(row, array, *large[slot], slot))
    return maps, ranks, masks
