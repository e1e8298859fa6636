"""Localisation that is one number for many maps (Choe et al. 2020, arXiv 2001.07437).

A map gives evidence, an array; the number is made from the mean evidence. So a resample of the
images costs one product of its counts with the stacked evidence, and the best threshold is chosen
inside each resample; chosen once before, it would flatter.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.metrics.arrays import pixels_of, unit_map
from sgcampp.metrics.localisation import object_of, salient
from sgcampp.metrics.metric import Floats, Undefined, metric

BOX_IOUS = (0.3, 0.5, 0.7)
"""A box that overlaps an object's by this much is right; the accuracies are averaged."""


def boxes_of(pixels: NDArray[np.bool_]) -> Floats:
    """The boxes around the connected parts of a set of pixels, diagonal neighbours connected.

    Args:
        pixels: bool [H, W].

    Returns:
        float64 [boxes, 4], (top, left, bottom, right), the last two past the end.
    """
    from scipy.ndimage import find_objects, label

    parts, _ = label(pixels, np.ones((3, 3), int))
    found = [(r.start, c.start, r.stop, c.stop) for r, c in find_objects(parts)]
    return np.array(found, np.float64).reshape(-1, 4)


def box_around(pixels: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """The box around all pixels of a set that is not empty: (top, left, bottom, right)."""
    rows, columns = (np.flatnonzero(pixels.any(axis)) for axis in (1, 0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def overlap(first: Floats, second: Floats) -> Floats:
    """Intersection over union of each box with each, [a, 4] and [b, 4] to [a, b], 0…1."""
    a, b = first[:, None], second[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    common = np.prod(np.maximum(sides, 0), -1)
    areas = [np.prod(box[..., 2:] - box[..., :2], -1) for box in (a, b)]
    return np.asarray(common / (areas[0] + areas[1] - common))


def box_ious(normalised: ArrayLike, instances: ArrayLike, *, thresholds: int = 100) -> Floats:
    """How well the best box around a part of the map fits an object, at each threshold.

    Boxes around holes, which wsolevaluation's contours bring in, are none; pixels are counted
    whole, where its boxes are one pixel wider.

    Args:
        normalised: [H, W], M̂, 0…1.
        instances: bool [objects, H, W], each object's pixels; its box is taken.
        thresholds: δ = 0, 1/thresholds, …, below 1.

    Returns:
        float64 [thresholds], 0…1.

    Raises:
        ValueError: if M̂ leaves 0…1 or the shapes differ.
        Undefined: `map_not_finite`; `no_object` if none has a pixel.
    """
    M = unit_map(normalised)
    objects = [one for one in pixels_of(instances, M.shape) if one.any()]
    if not objects:
        raise Undefined("no_object")
    truth = np.array([box_around(one) for one in objects], np.float64)
    deltas = np.arange(thresholds) / thresholds
    parts = (boxes_of(salient(M, delta)) for delta in deltas)
    return np.array([overlap(boxes, truth).max(initial=0.0) for boxes in parts])


def best_threshold_accuracy(hits: Floats) -> Floats:
    """The accuracy at the best threshold, averaged over BOX_IOUS, [...], 0…100.

    Args:
        hits: [..., 3, thresholds], the shares of maps whose box is right.
    """
    return np.asarray(100 * hits.max(-1).mean(-1))


@metric(better="more", unit="%", pool=best_threshold_accuracy)
def max_box_acc(normalised: ArrayLike, instances: ArrayLike, *, thresholds: int = 100) -> Floats:
    """Whether the box around a part of the map fits an object, at the best threshold of all maps.

    MaxBoxAccV2 (Choe et al. 2020, arXiv 2007.04178): the mean over IoU .3, .5, .7.

    Args:
        normalised: [H, W], M̂, 0…1.
        instances: bool [objects, H, W].
        thresholds: of the map, between 0 and 1.

    Returns:
        The evidence, float64 [3, thresholds], 1 where the box is right; pooled, 0…100, more is
        better.

    Raises:
        ValueError: if M̂ leaves 0…1 or the shapes differ.
        Undefined: `map_not_finite`, `no_object`.
    """
    ious = box_ious(normalised, instances, thresholds=thresholds)
    return (ious >= np.array(BOX_IOUS)[:, None]).astype(np.float64)


def average_precision(counts: Floats) -> Floats:
    """The area under pixel precision and recall, Σ precision · rise of recall, [...], 0…1.

    Args:
        counts: [..., 2, bins], pixels by M̂, rising, on and off objects; any scale.
    """
    falling = counts[..., ::-1]
    rise = falling[..., 0, :]
    on, off = np.moveaxis(np.cumsum(falling, axis=-1), -2, 0)
    seen = on + off
    precision = np.divide(on, seen, out=np.zeros_like(on), where=seen > 0)
    return np.asarray((precision * rise).sum(-1) / on[..., -1])


@metric(better="more", pool=average_precision)
def pxap(normalised: ArrayLike, mask: ArrayLike, *, bins: int = 100) -> Floats:
    """Area under pixel precision and recall, the pixels of all maps pooled (Choe et al. 2020).

    Args:
        normalised: [H, W], M̂, 0…1.
        mask: bool [H, W], the objects' pixels.
        bins: of M̂ between 0 and 1; 1 has one of its own. The paper takes 1,000.

    Returns:
        The evidence, float64 [2, bins + 1], pixels in each bin on and off objects; pooled, 0…1,
        more is better.

    Raises:
        ValueError: if M̂ leaves 0…1 or the shapes differ.
        Undefined: `map_not_finite`, `no_object`.
    """
    M = unit_map(normalised)
    pixels = object_of(mask, M.shape)
    place = np.floor(M * bins).astype(int)
    counted = (np.bincount(place[part], minlength=bins + 1) for part in (pixels, ~pixels))
    return np.array([*counted], np.float64)
