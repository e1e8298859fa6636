"""How the probability goes as pixels are put in or taken out in the map's order."""

import numpy as np
from numpy.typing import ArrayLike

from sgcampp.metrics.arrays import check_same_shape, finite_scores
from sgcampp.metrics.metric import Undefined, metric


def area(shares: ArrayLike, curve: ArrayLike) -> float:
    """The area under a curve by the trapezoid rule, both ends in.

    Args:
        shares: [steps], rising from 0 to 1.
        curve: [steps].

    Returns:
        The curve's mean over the shares.

    Raises:
        ValueError: if the shapes differ or the shares do not rise from 0 to 1.
        Undefined: `score_not_finite`; `no_curve` for fewer than two points.
    """
    x, y = finite_scores(shares, curve)
    check_same_shape(x, y)
    if x.size < 2:
        raise Undefined("no_curve")
    if x[0] != 0 or x[-1] != 1 or (np.diff(x) <= 0).any():
        raise ValueError("the shares of a curve rise from 0 to 1")
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1])) / 2)


@metric(better="more")
def insertion(shares: ArrayLike, insertion_curve: ArrayLike) -> float:
    """Area under p as the most important pixels are put in first (Petsiuk et al. 2018, RISE).

    Args:
        shares: [steps], the shares of pixels put in, from 0 to 1.
        insertion_curve: [steps], probabilities, from the empty image's to p₀.

    Returns:
        0…1; more is better.

    Raises:
        ValueError: if the shapes differ or the shares do not rise from 0 to 1.
        Undefined: `score_not_finite`, `no_curve`.
    """
    return area(shares, insertion_curve)


@metric(better="less")
def deletion(shares: ArrayLike, deletion_curve: ArrayLike) -> float:
    """Area under p as the most important pixels are taken out first (Petsiuk et al. 2018, RISE).

    Args:
        shares: [steps], the shares of pixels taken out, from 0 to 1.
        deletion_curve: [steps], probabilities, from p₀ to the empty image's.

    Returns:
        0…1; less is better.

    Raises:
        ValueError: if the shapes differ or the shares do not rise from 0 to 1.
        Undefined: `score_not_finite`, `no_curve`.
    """
    return area(shares, deletion_curve)


@metric(better="more")
def srg(shares: ArrayLike, deletion_curve: ArrayLike, lerf_curve: ArrayLike) -> float:
    """How much longer p lasts without the least important pixels (Blücher et al. 2024).

    The symmetric relevance gain (arXiv 2401.06654): the difference cancels most of the damage that
    any masking does. With one fill, `lerf_curve` is the insertion curve read from its end.

    Args:
        shares: [steps], the shares of pixels taken out, from 0 to 1.
        deletion_curve: [steps], probabilities without the most important ones.
        lerf_curve: [steps], probabilities without the least important ones.

    Returns:
        area(least important first) − area(most important first), −1…1; more is better.

    Raises:
        ValueError: if the shapes differ or the shares do not rise from 0 to 1.
        Undefined: `score_not_finite`, `no_curve`.
    """
    return area(shares, lerf_curve) - area(shares, deletion_curve)


@metric(better="more")
def road(road_lerf_curve: ArrayLike, road_morf_curve: ArrayLike) -> float:
    """Half of what the order matters where pixels are imputed (Rong et al. 2022, ROAD).

    Mean over the shares of (LeRF − MoRF)/2 (arXiv 2202.00449), 10, 20 … 90 % in the paper.

    Args:
        road_lerf_curve: [steps], probabilities with the least important pixels imputed.
        road_morf_curve: [steps], probabilities with the most important ones imputed.

    Returns:
        −1/2…1/2; more is better.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `score_not_finite`; `no_curve` without a point.
    """
    least, most = finite_scores(road_lerf_curve, road_morf_curve)
    check_same_shape(least, most)
    if not least.size:
        raise Undefined("no_curve")
    return float(np.mean(least - most) / 2)
