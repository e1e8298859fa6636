"""What metrics take, as checked float64 arrays; and the two ways to take the scale off a map."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.metrics.metric import Floats, Undefined


def finite_map(saliency: ArrayLike) -> Floats:
    """The map as float64 [height, width].

    Raises:
        ValueError: if it has other than two axes, or no pixel.
        Undefined: `map_not_finite`.
    """
    array = np.asarray(saliency, np.float64)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"a map has two axes, not the shape {array.shape}")
    if not np.isfinite(array).all():
        raise Undefined("map_not_finite")
    return array


def finite_scores(*scores: ArrayLike) -> tuple[Floats, ...]:
    """Scores as float64 arrays of any shape.

    Raises:
        Undefined: `score_not_finite`.
    """
    arrays = tuple(np.asarray(score, np.float64) for score in scores)
    if not all(np.isfinite(array).all() for array in arrays):
        raise Undefined("score_not_finite")
    return arrays


def finite_score(score: float) -> float:
    """The score as a float.

    Raises:
        Undefined: `score_not_finite`.
    """
    return float(finite_scores(score)[0])


def unit_map(normalised: ArrayLike) -> Floats:
    """M̂ as float64 [height, width].

    Raises:
        ValueError: if it leaves 0…1: it was not normalised.
        Undefined: `map_not_finite`.
    """
    array = finite_map(normalised)
    if array.min() < 0 or array.max() > 1:
        raise ValueError("a normalised map lies between 0 and 1; see `normalise`")
    return array


def pixels_of(mask: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask, or a stack of masks, as bool arrays that end in the map's shape.

    Raises:
        ValueError: for another shape.
    """
    array = np.asarray(mask, np.bool_)
    if not array.size:
        return np.zeros((0, *shape), np.bool_)
    if array.shape[-2:] != shape:
        raise ValueError(f"a mask of the shape {array.shape} for a map of {shape}")
    return array


def check_same_shape(first: NDArray[Any], second: NDArray[Any]) -> None:
    """Raises ValueError unless both have one shape."""
    if first.shape != second.shape:
        raise ValueError(f"the shapes {first.shape} and {second.shape} differ")


def is_flat(saliency: Floats) -> bool:
    """Whether every pixel has the same value, to the bit."""
    return bool(saliency.max() == saliency.min())


def normalise(saliency: ArrayLike) -> Floats:
    """The normalised map M̂ = (M − min)/(max − min), 0 for a flat map.

    Args:
        saliency: [height, width].

    Returns:
        float64 [height, width], 0…1; 0 and 1 are both reached unless the map is flat.

    Raises:
        Undefined: `map_not_finite`.
    """
    M = finite_map(saliency)
    if is_flat(M):
        return np.zeros_like(M)
    return (M - M.min()) / (M.max() - M.min())


def over_maximum(saliency: ArrayLike) -> Floats:
    """The map divided by its largest absolute value, 0 for a zero map.

    A map's scale means nothing (it is known up to e^{log_scale}); its zero does.

    Args:
        saliency: [height, width].

    Returns:
        float64 [height, width], −1…1.

    Raises:
        Undefined: `map_not_finite`.
    """
    M = finite_map(saliency)
    top = np.abs(M).max()
    return M / top if top > 0 else M
