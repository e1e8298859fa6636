"""How sure a map shall be, and whether that can be asked of what is looked at."""

import math
import numbers
from collections.abc import Iterable
from typing import Any

from sgcampp.errors import UserError
from sgcampp.explain.looks import Look

FEWEST_SAMPLES = 4
"""With fewer samples a map has no standard error."""


def check_tolerance(tolerance: Any, looks: Iterable[Look]) -> None:
    """Raises UserError for a tolerance that is no positive number, or that no look could meet.

    Args:
        tolerance: largest `relative_se` of a map; None: no number of samples depends on it.
        looks: what is looked at.
    """
    if tolerance is None:
        return
    number = isinstance(tolerance, numbers.Real) and not isinstance(tolerance, bool)
    if not number or not math.isfinite(tolerance) or tolerance <= 0:
        raise UserError(f"tolerance is {tolerance!r}, accepted: a number above 0, such as 0.01")
    noised = [look for look in looks if look.averages and not look.method.on_path]
    if not noised:
        raise UserError(
            "tolerance asks for samples until a map is sure, but no map averages over noised "
            "samples: choose a smooth method and nsamples, the most samples an image"
        )
    few = [look.nsamples for look in noised if look.nsamples < FEWEST_SAMPLES]
    if few:
        raise UserError(
            f"tolerance needs nsamples of at least {FEWEST_SAMPLES}, the most samples an image, "
            f"but nsamples is {few[0]}: a map of so few has no standard error"
        )
