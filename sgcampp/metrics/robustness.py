"""Whether the map stays when the image hardly changes, and goes when the network does."""

import numpy as np
from numpy.typing import ArrayLike

from sgcampp.metrics.arrays import check_same_shape, finite_map, is_flat, normalise
from sgcampp.metrics.complexity import difference, entropy
from sgcampp.metrics.correlation import spearman
from sgcampp.metrics.metric import Floats, Undefined, metric


def differences(layer_map: ArrayLike, perturbed_maps: ArrayLike) -> Floats:
    """‖M(x + δ_k) − M(x)‖/‖M(x)‖ for each k, float64 [k]; maps over their maximum.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`, `zero_map`, `no_perturbations`.
    """
    values = [difference(one, layer_map) for one in np.asarray(perturbed_maps, np.float64)]
    if not values:
        raise Undefined("no_perturbations")
    return np.array(values)


@metric(better="less")
def max_sensitivity(layer_map: ArrayLike, perturbed_maps: ArrayLike) -> float:
    """The largest change of the map under slight noise (Yeh et al. 2019, arXiv 1901.09392).

    Each map is divided by its maximum first: a map's scale, e^S, means nothing. The method's own
    noise must keep its seed, or its Monte Carlo error is measured.

    Args:
        layer_map: [h, w], of the image.
        perturbed_maps: [k, h, w], of the image plus uniform noise, the class held.

    Returns:
        max_k ‖M(x + δ_k) − M(x)‖/‖M(x)‖, >= 0; less is better.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`, `no_perturbations`; `zero_map` if the image's map is.
    """
    return float(differences(layer_map, perturbed_maps).max())


@metric(better="less")
def avg_sensitivity(layer_map: ArrayLike, perturbed_maps: ArrayLike) -> float:
    """The mean change of the map under slight noise (Bhatt et al. 2020, arXiv 2005.00631).

    Args:
        layer_map: [h, w], of the image.
        perturbed_maps: [k, h, w], as for `max_sensitivity`.

    Returns:
        mean_k ‖M(x + δ_k) − M(x)‖/‖M(x)‖, >= 0; less is better.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`, `no_perturbations`; `zero_map` if the image's map is.
    """
    return float(differences(layer_map, perturbed_maps).mean())


@metric(better="")
def seed_sensitivity(layer_map: ArrayLike, reseeded_map: ArrayLike) -> float:
    """What another seed of the method's own noise changes: its Monte Carlo error, twice over.

    Beside the sensitivities it tells how much of a map is the draw; more samples lower it.

    Args:
        layer_map: [h, w], of the image.
        reseeded_map: [h, w], of the same image and class under another seed.

    Returns:
        ‖M' − M‖/‖M‖, >= 0, maps over their maximum; 0 where noise changes nothing.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`, `zero_map`.
    """
    return difference(reseeded_map, layer_map)


def compared(layer_map: ArrayLike, randomised_map: ArrayLike) -> tuple[Floats, Floats]:
    """Both maps.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`; `flat_map` if either is flat: nothing is there to compare.
    """
    maps = finite_map(layer_map), finite_map(randomised_map)
    check_same_shape(*maps)
    if any(is_flat(one) for one in maps):
        raise Undefined("flat_map")
    return maps


@metric(better="less")
def mprt_spearman(layer_map: ArrayLike, randomised_map: ArrayLike) -> float:
    """How alike the maps of the network and of a re-initialised one rank (Adebayo et al. 2018).

    Args:
        layer_map: [h, w].
        randomised_map: [h, w], with layers re-initialised from the top down.

    Returns:
        Spearman, −1…1; less is better: a map that stays does not explain the network.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`, `flat_map`.
    """
    return spearman(*compared(layer_map, randomised_map))


@metric(better="less")
def mprt_ssim(layer_map: ArrayLike, randomised_map: ArrayLike, *, window: int = 7) -> float:
    """How alike the maps of the network and of a re-initialised one look (Adebayo et al. 2018).

    Args:
        layer_map: [h, w].
        randomised_map: [h, w], with layers re-initialised from the top down.
        window: side of SSIM's uniform window, an odd number.

    Returns:
        Mean structural similarity of the two M̂ (range 1), −1…1; less is better.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`, `flat_map`; `too_small` for a map smaller than the window.
    """
    first, second = (normalise(one) for one in compared(layer_map, randomised_map))
    if min(first.shape) < window:
        raise Undefined("too_small")
    return float(similarity(first, second, window).mean())


def similarity(x: Floats, y: Floats, window: int) -> Floats:
    """Structural similarity in each whole window (Wang et al. 2004), sample variances, range 1.

    Args:
        x: [h, w], 0…1.
        y: [h, w], 0…1.
        window: side of the uniform window, an odd number, at most h and w.

    Returns:
        float64 [h − window + 1, w − window + 1], −1…1.
    """
    from scipy.ndimage import uniform_filter

    edge = window // 2

    def mean(values: Floats) -> Floats:
        height, width = values.shape
        return uniform_filter(values, window)[edge : height - edge, edge : width - edge]

    sample = window**2 / (window**2 - 1)
    mu_x, mu_y = mean(x), mean(y)
    var_x, var_y = (sample * (mean(v * v) - m * m) for v, m in ((x, mu_x), (y, mu_y)))
    covariance = sample * (mean(x * y) - mu_x * mu_y)
    c1, c2 = 0.01**2, 0.03**2
    top = (2 * mu_x * mu_y + c1) * (2 * covariance + c2)
    return np.asarray(top / ((mu_x**2 + mu_y**2 + c1) * (var_x + var_y + c2)))


@metric(better="more")
def emprt(layer_map: ArrayLike, randomised_map: ArrayLike) -> float:
    """By what share the map's entropy rises without the weights (after Hedström et al. 2023).

    The paper (arXiv 2401.06465) takes the entropy of a histogram of values, which of a few dozen
    neurons says little; this one that of the map itself, see `entropy`.

    Args:
        layer_map: [h, w].
        randomised_map: [h, w], with all layers re-initialised.

    Returns:
        (H(randomised) − H(map))/H(map), >= −1; more is better.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`, `zero_map`, `one_neuron`; `zero_entropy` if H(map) is 0.
    """
    check_same_shape(finite_map(layer_map), finite_map(randomised_map))
    before, after = entropy(layer_map), entropy(randomised_map)
    if before == 0:
        raise Undefined("zero_entropy")
    return (after - before) / before
