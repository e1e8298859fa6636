"""Subset scanning over activations (Speakman et al. 2018, arXiv 1810.08676).

How rare each neuron's activation is among a background's, and which set of neurons is together the
rarest. NumPy, float64; n images of a background, M neurons.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError, check_whole, nearest

Floats = NDArray[np.float64]

ALPHA_MAX = 0.05
BACKGROUND_IMAGES = 1000
MOST_BACKGROUND_IMAGES = 100_000


def berk_jones(count: Any, alpha: Any) -> Floats:
    """N KL(1, α) = N log 1/α, of N neurons that all have p-values <= α (Berk and Jones 1979)."""
    return count * np.log(1 / alpha)


def higher_criticism(count: Any, alpha: Any) -> Floats:
    """(N - N α) / sqrt(N α (1 - α)), of N neurons that all have p <= α (Donoho and Jin 2004)."""
    return np.sqrt(count * (1 - alpha) / alpha)


STATISTICS: dict[str, Callable[[Any, Any], Floats]] = {
    "berk_jones": berk_jones,
    "higher_criticism": higher_criticism,
}
TAILS = ("upper", "both")


@dataclass(frozen=True)
class ScanSettings:
    """How images are scanned; what of `sgcampp scan` shapes its maps.

    Attributes:
        background: a directory of ordinary images, or the `background.npz` of another run.
        images: of the background that are kept, at most.
        statistic: of STATISTICS.
        tail: `upper`: activations that are unusually high count; `both`: or unusually low.
        alpha_max: the largest p-value of a neuron that counts, 0 < α < 1.

    Raises:
        UserError: for a value out of range.
    """

    background: str
    images: int = BACKGROUND_IMAGES
    statistic: str = "berk_jones"
    tail: str = "upper"
    alpha_max: float = ALPHA_MAX

    def __post_init__(self) -> None:
        most = MOST_BACKGROUND_IMAGES
        check_whole("scan images", self.images, 10, most, "from 10 to 100,000")
        for name, accepted in (("statistic", tuple(STATISTICS)), ("tail", TAILS)):
            value = getattr(self, name)
            if value not in accepted:
                raise UserError(
                    f"scan {name} is {value!r}, accepted: {' or '.join(accepted)}"
                    f"{nearest(str(value), accepted)}"
                )
        if not 0 < self.alpha_max < 1:
            raise UserError(f"scan alpha_max is {self.alpha_max}, accepted: above 0, below 1")


def least_images(settings: ScanSettings) -> int:
    """Images that a background needs for any neuron to be as rare as `alpha_max`."""
    sides = 1 if settings.tail == "upper" else 2
    return math.ceil(sides / settings.alpha_max - 1e-9) - 1


def settings_from(given: Mapping[str, Any]) -> ScanSettings:
    """Settings by name, the others at their defaults; UserError where there is no background."""
    if "background" not in given:
        raise UserError(
            "subset_scan holds images against ordinary ones: give a directory of these, or "
            "another run's background.npz, as background"
        )
    return ScanSettings(**given)


class Found(NamedTuple):
    """The set of neurons that is together the rarest.

    Attributes:
        score: F of it, >= 0; 0 for none.
        alpha: the p-value that all of them have at most; 1 for none.
        chosen: bool, of the p-values' shape.
    """

    score: float
    alpha: float
    chosen: NDArray[np.bool_]


def p_values(
    higher: NDArray[np.integer], lower: NDArray[np.integer], n: int, tail: str, own: bool = False
) -> Floats:
    """Empirical p-values of activations against a background.

    (1 + number of the background's that are at least as extreme) / (n + 1): never 0, and uniform
    at most for an image that is exchangeable with them.

    Args:
        higher: [...], how many of the background's activations are as high or higher.
        lower: [...], how many are as low or lower.
        n: of the background.
        tail: see `ScanSettings`; of `both` the smaller side counts twice.
        own: the image is one of the n itself, and is held against the others.
    """
    added = 0 if own else 1
    extreme = higher if tail == "upper" else np.minimum(higher, lower)
    p = (extreme + added) / (n + added)
    return p if tail == "upper" else np.minimum(1, 2 * p)


def scan(p: Floats, statistic: str, alpha_max: float) -> Found:
    """The subset S and threshold α <= alpha_max that maximise F(S) = φ(α, N_α(S), N(S)).

    N_α(S) counts the neurons of S with p <= α. By the linear-time subset scanning property (Neill
    2012) the best set for an α is {p <= α}, and only the p-values themselves can be the best α:
    M sets have to be looked at in place of 2^M.

    Args:
        p: [...], p-values in (0, 1].
        statistic: of STATISTICS.
        alpha_max: the largest α.
    """
    alpha = np.sort(p[p <= alpha_max])
    if not alpha.size:
        return Found(0.0, 1.0, np.zeros(p.shape, bool))
    # Of equal p-values the last one counts all of them, and is larger.
    scores = STATISTICS[statistic](np.arange(1, alpha.size + 1), alpha)
    best = int(np.argmax(scores))
    return Found(float(scores[best]), float(alpha[best]), p <= alpha[best])
