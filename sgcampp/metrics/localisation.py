"""Whether the map lies on the class's objects, and on how many of them.

No probability is asked for. Salient at δ are the pixels {M̂ ≥ δ}, and of them only those above
zero: Grad-CAM++ counts the non-zero pixels of what is left, and at δ = 0 that is not every pixel.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.metrics.arrays import finite_map, over_maximum, pixels_of, unit_map
from sgcampp.metrics.metric import Undefined, metric
from sgcampp.metrics.ordering import highest_pixel


def salient(normalised: ArrayLike, delta: float) -> NDArray[np.bool_]:
    """The pixels {M̂ ≥ δ, M̂ > 0}, bool [H, W].

    Raises:
        ValueError: if M̂ leaves 0…1.
        Undefined: `map_not_finite`.
    """
    values = unit_map(normalised)
    return np.asarray((values >= delta) & (values > 0))


def object_of(mask: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The object's pixels, bool [H, W].

    Raises:
        ValueError: for another shape.
        Undefined: `no_object` for an empty one.
    """
    pixels = pixels_of(mask, shape)
    if not pixels.any():
        raise Undefined("no_object")
    return pixels


@metric(better="more", unit="%", yes_no=True)
def pointing_game(
    saliency: ArrayLike, mask: ArrayLike, *, tolerance: float = 15.0, seed: int = 0
) -> float:
    """Whether the map's highest pixel meets an object (Zhang et al. 2016).

    Args:
        saliency: [H, W].
        mask: bool [H, W], the objects' pixels.
        tolerance: pixels nearer than this to an object meet it too, as in TorchRay; with 0 only
            its own do, as in Quantus.
        seed: which of several highest pixels is taken.

    Returns:
        100 or 0; an empty mask is not met; more is better.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`.
    """
    M = finite_map(saliency)
    pixels = pixels_of(mask, M.shape)
    squares = ((np.argwhere(pixels) - highest_pixel(M, seed=seed)) ** 2).sum(-1)
    met = (squares < tolerance**2) | (squares == 0)
    return 100.0 if met.any() else 0.0


@metric(better="more")
def energy(saliency: ArrayLike, mask: ArrayLike) -> float:
    """The share of the map that lies on objects, Σ_object M/Σ M (Wang et al. 2020, Score-CAM).

    Args:
        saliency: [H, W]; values below 0 count as 0.
        mask: bool [H, W], the objects' pixels.

    Returns:
        0…1; more is better.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`, `no_object`; `zero_map` if nothing is above 0.
    """
    M = np.maximum(over_maximum(saliency), 0)
    pixels = object_of(mask, M.shape)
    if not M.any():
        raise Undefined("zero_map")
    return float(M[pixels].sum() / M.sum())


def loc_iou(normalised: ArrayLike, mask: ArrayLike, delta: float) -> float:
    """Intersection over union of the salient pixels and the objects (Chattopadhay et al. 2018).

    Args:
        normalised: [H, W], M̂, 0…1.
        mask: bool [H, W], the objects' pixels (the paper: their boxes).
        delta: salient are {M̂ ≥ delta, M̂ > 0}.

    Returns:
        Loc^I, 0…1; more is better.

    Raises:
        ValueError: if M̂ leaves 0…1 or the shapes differ.
        Undefined: `map_not_finite`, `no_object`.
    """
    chosen = salient(normalised, delta)
    pixels = object_of(mask, chosen.shape)
    return float((chosen & pixels).sum() / (chosen | pixels).sum())


@metric(better="more")
def loc_iou_0(normalised: ArrayLike, mask: ArrayLike) -> float:
    """`loc_iou` at δ = 0: all that the map marks at all (Grad-CAM++, Table 3)."""
    return loc_iou(normalised, mask, 0.0)


@metric(better="more")
def loc_iou_25(normalised: ArrayLike, mask: ArrayLike) -> float:
    """`loc_iou` at δ = .25 (Grad-CAM++, Table 3)."""
    return loc_iou(normalised, mask, 0.25)


@metric(better="more")
def loc_iou_50(normalised: ArrayLike, mask: ArrayLike) -> float:
    """`loc_iou` at δ = .5: the map's upper half (Grad-CAM++, Table 3)."""
    return loc_iou(normalised, mask, 0.5)


@metric(better="more")
def instance_recall(
    normalised: ArrayLike, instances: ArrayLike, *, delta: float = 0.25, half: float = 0.5
) -> float:
    """The share of objects of which at least half is salient (several objects, whole objects).

    Args:
        normalised: [H, W], M̂, 0…1.
        instances: bool [objects, H, W], each object's pixels; empty ones are left out.
        delta: salient are {M̂ ≥ delta, M̂ > 0}.
        half: the share of an object that must be salient.

    Returns:
        0…1; more is better.

    Raises:
        ValueError: if M̂ leaves 0…1 or the shapes differ.
        Undefined: `map_not_finite`; `no_object` if none has a pixel.
    """
    chosen = salient(normalised, delta)
    objects = pixels_of(instances, chosen.shape)
    sizes = objects.sum((-2, -1))
    objects, sizes = objects[sizes > 0], sizes[sizes > 0]
    if not len(objects):
        raise Undefined("no_object")
    return float(np.mean((objects & chosen).sum((-2, -1)) >= half * sizes))


@metric(better="more")
def instance_recall_several(
    normalised: ArrayLike, instances: ArrayLike, *, delta: float = 0.25, half: float = 0.5
) -> float:
    """`instance_recall` of the images that show two or more objects of the class.

    One object is often met by chance, as it lies in the middle; of several all must be.

    Raises:
        Undefined: as there, and `one_instance` for fewer than two with a pixel.
    """
    value = instance_recall(normalised, instances, delta=delta, half=half)
    if np.asarray(instances, np.bool_).any((-2, -1)).sum() < 2:
        raise Undefined("one_instance")
    return value
