"""What the network still sees of the image under the map: p₀ against p₁ = p_c(x ⊙ M̂).

The mask acts on the pixels, before preprocessing: 0 after it is black, mid-grey or the mean
colour, by family.
"""

import numpy as np
from numpy.typing import ArrayLike

from sgcampp.metrics.arrays import finite_map, finite_score, is_flat, unit_map
from sgcampp.metrics.correlation import pearson
from sgcampp.metrics.metric import Undefined, metric


def drop(p0: float, p1: float) -> float:
    """The share of the probability that the mask takes away, max(0, p₀ − p₁)/p₀, 0…1.

    Raises:
        Undefined: `score_not_finite`, `score_zero`.
    """
    before, after = finite_score(p0), finite_score(p1)
    if before <= 0:
        raise Undefined("score_zero")
    return max(0.0, before - after) / before


@metric(better="less", unit="%")
def average_drop(p0: float, p1: float) -> float:
    """What of p₀ is lost where only the map's pixels are left (Chattopadhay et al. 2018).

    A map of all ones loses nothing: compare with `ref_ones`.

    Args:
        p0: the probability of the class, 0…1.
        p1: the same of the image times M̂, 0…1.

    Returns:
        100 max(0, p₀ − p₁)/p₀, 0…100; less is better.

    Raises:
        Undefined: `score_not_finite`; `score_zero` if p₀ is 0.
    """
    return 100 * drop(p0, p1)


@metric(better="more", unit="%", yes_no=True)
def average_increase(p0: float, p1: float, *, tolerance: float = 1e-4) -> float:
    """Whether p rises where only the map's pixels are left (Chattopadhay et al. 2018).

    The paper's p₁ > p₀ counts rounding: the map of all ones rose on a quarter of photographs.

    Args:
        p0: the probability of the class, 0…1.
        p1: the same of the image times M̂, 0…1.
        tolerance: the share of p₀ that a rise must exceed.

    Returns:
        100 if p₁ − p₀ > tolerance · p₀, else 0; more is better.

    Raises:
        Undefined: `score_not_finite`.
    """
    before, after = finite_score(p0), finite_score(p1)
    return 100.0 if after - before > tolerance * before else 0.0


@metric(better="more", unit="%")
def average_gain(p0: float, p1: float) -> float:
    """How much of what p₀ lacks of 1 is won (Zhang et al. 2023, Opti-CAM, arXiv 2301.07002).

    Args:
        p0: the probability of the class, 0…1.
        p1: the same of the image times M̂, 0…1.

    Returns:
        100 max(0, p₁ − p₀)/(1 − p₀), 0…100, and 0 where p₀ is 1; more is better.

    Raises:
        Undefined: `score_not_finite`.
    """
    before, after = finite_score(p0), finite_score(p1)
    # A float32 softmax may give the last digit above 1.
    if before >= 1 or after <= before:
        return 0.0
    return 100 * (min(after, 1.0) - before) / (1 - before)


@metric(better="more", unit="%", yes_no=True)
def win(p0: float, p1: float, other_p1: float, *, tolerance: float = 1e-4) -> float:
    """Whether this map loses less of p₀ than the other (Chattopadhay et al. 2018); ties apart.

    Args:
        p0: the probability of the class, 0…1.
        p1: the same of the image times this map's M̂, 0…1.
        other_p1: the same of the image times the other map's M̂, 0…1.
        tolerance: drops no further apart than this share of p₀ are a tie.

    Returns:
        100 if drop(p₀, p₁) < drop(p₀, other p₁), else 0; more is better.

    Raises:
        Undefined: `score_not_finite`, `score_zero`; `tie`.
    """
    ours, others = drop(p0, p1), drop(p0, other_p1)
    if abs(ours - others) <= tolerance:
        raise Undefined("tie")
    return 100.0 if ours < others else 0.0


def coherency(saliency: ArrayLike, masked_saliency: ArrayLike) -> float:
    """How alike the maps of x and of x ⊙ M̂ are, (1 + Pearson)/2 (Poppi et al. 2021).

    Args:
        saliency: [H, W], of the image; its scale and zero do not count.
        masked_saliency: [H, W], of the image times M̂.

    Returns:
        0…1; 0 where either is flat, as the paper's code has it.

    Raises:
        Undefined: `map_not_finite`.
    """
    first, second = finite_map(saliency), finite_map(masked_saliency)
    if is_flat(first) or is_flat(second):
        return 0.0
    return (1 + pearson(first, second)) / 2


def complexity(normalised: ArrayLike) -> float:
    """How much of the image the map takes, the mean of M̂ (Poppi et al. 2021), 0…1.

    Raises:
        ValueError: if M̂ leaves 0…1.
        Undefined: `map_not_finite`.
    """
    return float(np.mean(unit_map(normalised)))


@metric(better="more")
def adcc(normalised: ArrayLike, masked_saliency: ArrayLike, p0: float, p1: float) -> float:
    """Drop, coherency and complexity as one harmonic mean (Poppi et al. 2021, arXiv 2104.10252).

    Of one image, and p₀ of the class explained; the paper's code takes the largest p.

    Args:
        normalised: [H, W], M̂, 0…1.
        masked_saliency: [H, W], the map of the image times M̂.
        p0: the probability of the class, 0…1.
        p1: the same of the image times M̂, 0…1.

    Returns:
        3/(1/coherency + 1/(1 − complexity) + 1/(1 − drop)), 0…1, and 0 where one of them is 0;
        more is better.

    Raises:
        ValueError: if M̂ leaves 0…1.
        Undefined: `map_not_finite`, `score_not_finite`, `score_zero`.
    """
    terms = (
        coherency(normalised, masked_saliency),
        1 - complexity(normalised),
        1 - drop(p0, p1),
    )
    if min(terms) <= 0:
        return 0.0
    return 3 / sum(1 / term for term in terms)
