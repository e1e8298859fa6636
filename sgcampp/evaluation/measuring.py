"""The last stage: from scores of masked images to the metrics of each map."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.annotations.instances import Seen
from sgcampp.evaluation.asking import Asking
from sgcampp.evaluation.preparing import PreparedImage, PreparedMap
from sgcampp.evaluation.presets import CURVE_NAMES
from sgcampp.evaluation.reference_maps import PLAIN
from sgcampp.evaluation.rows import EvaluationRow
from sgcampp.metrics.metric import Metric, Undefined


def measured_rows(
    image: PreparedImage,
    asking: Asking,
    logits: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    metrics: Sequence[Metric],
    base: str,
    parameters: Mapping[str, Mapping[str, Any]],
    extras: Sequence[Mapping[str, Any]],
) -> list[EvaluationRow]:
    """All rows of one image.

    Args:
        image: with its maps.
        asking: whose rows were scored.
        logits: [rows, C], their class scores.
        probabilities: [rows, C].
        metrics: what is measured.
        base: the method whose p₁ `win` is held against.
        parameters: of metrics, by name.
        extras: of each map, what else metrics may take, see `extras.Extras`.
    """
    givens = [asking.given(probabilities, one.slot, one.row.class_idx or 0) for one in image.maps]
    beside = {_identity(one.row): n for n, one in enumerate(image.maps)}
    rows = list(image.unmeasured)
    for one, given, extra in zip(image.maps, givens, extras, strict=True):
        given |= {"layer_map": one.layer_map, "saliency": one.saliency}
        given |= {"normalised": one.normalised, **extra}
        objects, why = _objects_of(image, one)
        given |= {**objects, "reasons": {**extra.get("reasons", {}), **why}}
        plain = beside.get(_identity(one.row, PLAIN.get(one.row.method, "")))
        if plain is not None:
            given["plain_map"] = image.maps[plain].layer_map
        other = beside.get(_identity(one.row, base))
        if other is not None and one.row.method != base and "p1" in givens[other]:
            given["other_p1"] = givens[other]["p1"]
        rows.append(_measured(one, given, metrics, parameters, float(logits[0, one.row.class_idx])))
    return rows


def _measured(
    one: PreparedMap,
    given: dict[str, Any],
    metrics: Sequence[Metric],
    parameters: Mapping[str, Mapping[str, Any]],
    logit0: float,
) -> EvaluationRow:
    values: dict[str, float] = {}
    undefined: dict[str, str] = {}
    evidence: dict[str, list] = {}
    for metric in metrics:
        missing = [need for need in metric.needs if need not in given]
        if missing:
            if set(missing) <= given["reasons"].keys():
                undefined[metric.name] = given["reasons"][missing[0]]
            continue
        try:
            value = metric.measure(given, **parameters.get(metric.name, {}))
        except Undefined as error:
            undefined[metric.name] = error.reason
            continue
        if metric.pool is not None:
            evidence[metric.name] = _listed(np.asarray(value, np.float64))
        else:
            values[metric.name] = float(value)
    known = np.isfinite(given["p0"])
    return replace(
        one.row,
        p0=given["p0"] if known else None,
        logit0=logit0,
        metrics=values,
        undefined=undefined,
        evidence=evidence,
        curves={name: given[name] for name in CURVE_NAMES if name in given and known},
        finished=time.time(),
    )


def _listed(evidence: NDArray[np.float64]) -> list:
    """As JSON has it; counts as whole numbers, which take half the room and time to read."""
    with np.errstate(invalid="ignore"):
        whole = evidence.astype(np.int64)
    return (whole if (whole == evidence).all() else evidence).tolist()


def _objects_of(image: PreparedImage, one: PreparedMap) -> tuple[dict[str, Any], dict[str, str]]:
    """The mask and the instances of a map's class; and why there are none to measure by."""
    if image.objects is None:
        return {}, {}
    found = image.objects.get(one.row.class_idx if one.row.class_idx is not None else -1)
    if found is None or not len(found.masks):
        return {}, dict.fromkeys(("mask", "instances"), _why_none(found))
    return {"mask": found.masks.any(0), "instances": found.masks[~found.crowd]}, {}


NO_OBJECTS = {
    "not_annotated": "the image has no annotated object",
    "other_class": "the annotated objects are of other classes than the one explained",
    "cut_away": "the crop that the model saw has nothing of the object",
    "annotation_fault": "the annotation does not fit the image",
}
"""Why there is no object to measure a map by, in words."""


def _why_none(found: Seen | None) -> str:
    if found is None:
        return "annotation_fault"
    if found.cut_away:
        return "cut_away"
    return "other_class" if found.others else "not_annotated"


def _identity(row: EvaluationRow, method: str | None = None) -> tuple:
    """What tells the maps of one image apart, or the map of another method beside this one."""
    settings = json.dumps(row.across or {}, sort_keys=True)
    name = row.method if method is None else method
    return name, row.layer, row.target, settings, tuple(row.filters or ())
