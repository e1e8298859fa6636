"""How sure a map is, or why nobody knows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.explain.looks import Look
from sgcampp.explain.tolerance import FEWEST_SAMPLES


@dataclass(frozen=True, eq=False)
class Error:
    """How sure a map is, as far as its samples tell.

    Attributes:
        se: float32 [h, w], standard error in the map's units; None where there is none.
        relative: RMS of it over the map's maximum; None where there is none.
        reason: why there is none, of NO_ERROR_REASONS; None where there is one.
    """

    se: NDArray[np.float32] | None = None
    relative: float | None = None
    reason: str | None = None

    def meets(self, tolerance: float | None) -> bool | None:
        """Whether the map is sure enough; None where no tolerance or no error is known."""
        if tolerance is None or self.relative is None:
            return None
        return self.relative <= tolerance


NOT_POOLED = Error(reason="one_filter")
"""Of a single feature map's map."""


def found_error(se: NDArray[Any], relative: float, flat_reason: str) -> Error:
    """The error that samples gave.

    Args:
        se: [h, w].
        relative: NaN where there is none.
        flat_reason: why the map is all zeros, of FLAT_REASONS.
    """
    if np.isfinite(relative):
        return Error(se.astype(np.float32), float(relative))
    if flat_reason in {"", "not_finite"}:
        return Error(reason="not_finite")
    return Error(se.astype(np.float32), reason="flat")


def why_no_error(look: Look, copies: int) -> str:
    """Why no map of a look has an error, of NO_ERROR_REASONS; copies: that its maps average."""
    if look.method.on_path:
        return "path"
    if not look.method.smooth:
        return "not_averaged"
    if look.nsamples < FEWEST_SAMPLES:
        return "few_samples"
    return "memory" if copies else "affine_head"
