"""How concentrated, how sharp, how smoothed a map is. Sharpness describes; it is no merit."""

import math

import numpy as np
from numpy.typing import ArrayLike

from sgcampp.metrics.arrays import check_same_shape, over_maximum
from sgcampp.metrics.metric import Floats, Undefined, metric


def not_zero(saliency: ArrayLike) -> Floats:
    """The map over its largest absolute value.

    Raises:
        Undefined: `map_not_finite`, `zero_map`.
    """
    M = over_maximum(saliency)
    if not M.any():
        raise Undefined("zero_map")
    return M


@metric(better="less")
def entropy(layer_map: ArrayLike) -> float:
    """How evenly the map is spread, Shannon's entropy over its largest (Bhatt et al. 2020).

    Args:
        layer_map: [h, w]; absolute values are taken.

    Returns:
        −Σ q ln q/ln n with q = |A|/Σ|A| over n neurons, 0…1; less is better.

    Raises:
        Undefined: `map_not_finite`, `zero_map`; `one_neuron` for n = 1.
    """
    A = np.abs(not_zero(layer_map))
    if A.size == 1:
        raise Undefined("one_neuron")
    q = A[A > 0] / A.sum()
    # One neuron alone gives q = 1 and the negative zero; rounding may pass 1 in the last digit.
    return min(1.0, max(0.0, float(-np.sum(q * np.log(q)) / math.log(A.size))))


@metric(better="more")
def gini(layer_map: ArrayLike) -> float:
    """How unequal the neurons are, Gini's index (Chalasani et al. 2020, arXiv 1810.06583).

    Args:
        layer_map: [h, w]; absolute values are taken.

    Returns:
        Σ_k (2k − n − 1) a_k/(n Σ a) over the n sorted values, 0 (all equal) … 1 − 1/n; more is
        better.

    Raises:
        Undefined: `map_not_finite`, `zero_map`.
    """
    a = np.sort(np.abs(not_zero(layer_map)), axis=None)
    weight = 2 * np.arange(1, a.size + 1) - a.size - 1
    return max(0.0, float(weight @ a / (a.size * a.sum())))


@metric(better="")
def sharpness(saliency: ArrayLike) -> float:
    """The map's total variation over its maximum; a description, not a quality.

    It is the mean length of the map's contour lines in pixels, along rows and columns, so it grows
    with the image's side.

    Args:
        saliency: [H, W].

    Returns:
        (Σ|M_{i+1,j} − M_ij| + Σ|M_{i,j+1} − M_ij|)/max|M|, >= 0.

    Raises:
        Undefined: `map_not_finite`, `zero_map`.
    """
    M = not_zero(saliency)
    return float(sum(np.abs(np.diff(M, axis=axis)).sum() for axis in (0, 1)))


@metric(better="")
def area_above_half(saliency: ArrayLike) -> float:
    """The share of pixels at or above half of the maximum; a description, not a quality.

    Args:
        saliency: [H, W].

    Returns:
        0…1.

    Raises:
        Undefined: `map_not_finite`, `zero_map`.
    """
    values = not_zero(saliency)
    return float(np.mean(values >= values.max() / 2))


def difference(changed: ArrayLike, plain: ArrayLike) -> float:
    """‖M' − M‖/‖M‖ of two maps, each over its maximum first, as their scale means nothing.

    Args:
        changed: [h, w].
        plain: [h, w].

    Returns:
        >= 0; 1 where `changed` is zero everywhere.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`; `zero_map` if `plain` is.
    """
    M, other = not_zero(plain), over_maximum(changed)
    check_same_shape(M, other)
    return float(np.linalg.norm(other - M) / np.linalg.norm(M))


@metric(better="")
def smoothness_gain(layer_map: ArrayLike, plain_map: ArrayLike) -> float:
    """What smoothing changed, ‖M_smooth − M_plain‖/‖M_plain‖: 0 where noise changes nothing.

    It tells "no difference" from "no change". Each map is divided by its maximum first: a
    smoothed one is known up to e^{log_scale}.

    Args:
        layer_map: [h, w], of the smoothed method.
        plain_map: [h, w], of the same method without noise.

    Returns:
        >= 0.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`; `zero_map` if the plain one is.
    """
    return difference(layer_map, plain_map)
