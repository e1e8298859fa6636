"""What images are held against by methods with a baseline, and in how many steps."""

import math
import numbers
from dataclasses import dataclass

from sgcampp.errors import UserError, check_whole

ZEROS = "zeros"
BASELINES = (ZEROS, "black", "mean", "blur")
"""0 in the model's input, a black picture, the image's mean colour, or the image under a blur
(Gaussian, 11 × 11 pixels, sigma 5)."""
IG_STEPS = 50
MOST_STEPS = 100_000


@dataclass(frozen=True)
class Against:
    """How images are held against a baseline.

    Attributes:
        baseline: of BASELINES, or the name of an image.
        ig_steps: of integrated_gradients.
        ig_tolerance: the share of the score's rise that integrated_gradients may miss: its steps
            are doubled until it misses no more; None: they are `ig_steps`.

    Raises:
        UserError: for steps or a tolerance out of range.
    """

    baseline: str = ZEROS
    ig_steps: int = IG_STEPS
    ig_tolerance: float | None = None

    def __post_init__(self) -> None:
        check_whole("ig_steps", self.ig_steps, 1, MOST_STEPS, "from 1 to 10^5")
        share = self.ig_tolerance
        number = isinstance(share, numbers.Real) and not isinstance(share, bool)
        if share is not None and not (number and math.isfinite(share) and share > 0):
            raise UserError(f"ig_tolerance is {share!r}, accepted: a finite number above 0")
