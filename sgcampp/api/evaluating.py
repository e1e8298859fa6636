"""Evaluation from Python: what explanations of some images are worth."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sgcampp.annotations.instances import Instance, Seen, seen
from sgcampp.annotations.shapes import Box
from sgcampp.api.explainer import Explainer
from sgcampp.api.explanation import Explanation
from sgcampp.api.own_maps import OwnMap, codes_of, own_maps, recipe_of
from sgcampp.engine.fills import FILLS
from sgcampp.errors import UserError
from sgcampp.evaluation.explaining_again import Recipe
from sgcampp.evaluation.extras import made_for
from sgcampp.evaluation.measurer import GROUP, Measurer
from sgcampp.evaluation.preparing import PreparedImage, slots_of
from sgcampp.evaluation.presets import chosen_metrics
from sgcampp.evaluation.reference_maps import Place, place, reference_maps
from sgcampp.evaluation.request import Request, check_numbers
from sgcampp.evaluation.rows import EvaluationRow
from sgcampp.evaluation.summarise import summarise
from sgcampp.evaluation.summary import Summary
from sgcampp.metrics.catalogue import REFERENCES
from sgcampp.metrics.metric import Floats, Metric, Undefined
from sgcampp.metrics.references import partners
from sgcampp.models.classifier import Classifier

Boxes = Sequence[Sequence[tuple[float, float, float, float]]]
"""For each image the boxes (x, y, width, height) around objects of the class explained, pixels."""


def evaluate(
    classifier: Classifier,
    images: Sequence[NDArray[np.uint8]],
    explanations: Explanation | Sequence[Explanation],
    metrics: Sequence[str] = (),
    boxes: Boxes | None = None,
    *,
    explainer: Explainer | None = None,
    against: str | None = None,
    seed: int = 0,
    steps: int = 20,
    fill: Sequence[str] = ("black", "blur"),
    batch_size: int = 16,
) -> Summary:
    """Measures what explanations are worth, beside reference maps, with intervals over images.

    Args:
        classifier: that was explained, from `load_model`.
        images: uint8 RGB [H, W, 3] each, the pictures whose inputs were explained.
        explanations: of these images, in their order; by one method and layer each.
        metrics: names of METRICS; none: those of the preset `standard`.
        boxes: of the objects, for the metrics of localisation.
        explainer: whose `each` gave all explanations, for metrics that explain again, as `adcc`.
        against: the method that others are held against; None: Grad-CAM++, if it is there.
        seed: of ties, random maps and resamples.
        steps: of insertion and deletion.
        fill: for pixels taken out, and for an insertion's start: black, mean, blur.
        batch_size: B, masked images scored at a time.

    Returns:
        Means, comparisons, verdicts; `exports.to_json` and `table.table` show them.

    Raises:
        UserError: for images, boxes, an explainer or settings that do not fit.
    """
    several = [explanations] if isinstance(explanations, Explanation) else list(explanations)
    _check(images, several, boxes)
    check_numbers(steps, seed, None, list(fill), batch_size)
    chosen = chosen_metrics("standard", metrics, boxes is not None)
    base = against or "grad_cam_pp"
    request = _request(classifier, chosen, base, seed, steps, list(fill), batch_size)
    rows = _rows(classifier, images, several, boxes, request, explainer)
    return summarise(rows, against, seed)


def _request(
    classifier: Classifier,
    metrics: Sequence[Metric],
    base: str,
    seed: int,
    steps: int,
    fill: list[str],
    batch_size: int,
) -> Request:
    return Request(
        metrics=[metric.name for metric in metrics],
        parameters={m.name: dict(m.parameters) for m in metrics if m.parameters},
        made=made_for(metrics),
        steps=steps,
        fill=fill,
        seed=seed,
        base=base,
        references=list(REFERENCES),
        limit=None,
        boxes=None,
        classes=None,
        images_sha256="",
        model_fingerprint=classifier.fingerprint,
        batch_size=batch_size,
    )


def _rows(
    classifier: Classifier,
    images: Sequence[NDArray[np.uint8]],
    several: Sequence[Explanation],
    boxes: Boxes | None,
    request: Request,
    explainer: Explainer | None,
) -> list[EvaluationRow]:
    """The rows of all maps, group by group."""
    own = [list(own_maps(several, n)) for n in range(len(images))]
    recipe = None if explainer is None else recipe_of(classifier, explainer, several, own)
    measure = _measurer(classifier, request, own, recipe)
    codes = [codes_of(several[0], n) for n in range(len(images))]
    rows: list[EvaluationRow] = []
    for at in range(0, len(images), GROUP):
        numbers = range(len(images))[at : at + GROUP]
        group = [_prepared(classifier, images, boxes, request, own, codes, n) for n in numbers]
        rows += [row for rows_of_image in measure(group) for row in rows_of_image()]
    return rows


def _measurer(
    classifier: Classifier,
    request: Request,
    own: Sequence[list[OwnMap]],
    recipe: Recipe | None,
) -> Measurer:
    places = sum(len({place(row) for row, _ in maps}) for maps in own)
    count = sum(map(len, own)) + places * len(request.references)
    return Measurer(classifier, request, len(own), count, request.batch_size, recipe=recipe)


def _check(
    images: Sequence[NDArray[np.uint8]],
    explanations: Sequence[Explanation],
    boxes: Boxes | None,
) -> None:
    if not explanations:
        raise UserError("there is no explanation to evaluate")
    for explanation in explanations:
        if len(explanation.maps) != len(images):
            raise UserError(
                f"{explanation.method} explains {len(explanation.maps)} images, "
                f"{len(images)} are given: accepted is one picture for each map"
            )
    if boxes is not None and len(boxes) != len(images):
        raise UserError(f"boxes are of {len(boxes)} images, accepted: {len(images)}, one an image")


def _prepared(
    classifier: Classifier,
    images: Sequence[NDArray[np.uint8]],
    boxes: Boxes | None,
    request: Request,
    own: Sequence[list[OwnMap]],
    codes: Sequence[NDArray[np.int32]],
    n: int,
) -> PreparedImage:
    model_input = classifier.preprocess(images[n])[0]
    pixels = classifier.preprocessing.pixels(images[n])
    partner = _partner_maps(own, n, request)
    drawn = [*own[n], *reference_maps(request, f"{n}", own[n], pixels, partner)]
    maps, ranks, masks = slots_of(drawn, (pixels.shape[0], pixels.shape[1]), request.seed)
    ends = (request.fill[0], request.fill[-1])
    fills = np.stack([FILLS[name](model_input, classifier.black) for name in ends])
    objects = None if boxes is None else _objects(classifier, images[n], boxes[n], own[n])
    return PreparedImage(f"{n}", model_input, codes[n], fills, maps, ranks, masks, objects, [])


def _partner_maps(
    own: Sequence[list[OwnMap]], n: int, request: Request
) -> Callable[[Place], Floats | None]:
    """The base method's map of another image, by place."""
    try:
        classes = [row.class_idx or 0 for maps in own for row, _ in maps[:1]]
        other = own[int(partners(classes, seed=request.seed)[n])]
    except Undefined:  # one image alone has no partner
        other = []
    found = {
        place(row)[::2]: saliency for row, saliency in reversed(other) if row.method == request.base
    }
    return lambda at_place: found.get(at_place[::2])


def _objects(
    classifier: Classifier,
    image: NDArray[np.uint8],
    boxes: Sequence[tuple[float, float, float, float]],
    own: Sequence[OwnMap],
) -> dict[int, Seen]:
    instances = [Instance("object", None, Box(y, x, h, w)) for x, y, w, h in boxes]
    view = classifier.preprocessing.view(*image.shape[:2])
    size = classifier.input_shape[:2]
    classes = {row.class_idx for row, _ in own if row.class_idx is not None}
    return {class_idx: seen(instances, class_idx, view, size) for class_idx in classes}
