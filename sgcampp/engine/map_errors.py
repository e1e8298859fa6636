"""How sure maps are, and why some have no error."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.groups import FEWEST_GROUPS
from sgcampp.explain.looks import Look

if TYPE_CHECKING:
    from sgcampp.engine.results import Seen


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


NOT_POOLED = Error(reason="one_filter")
"""Of a single feature map's map."""


def why_no_error(look: Look, seen: "Seen") -> str | None:
    """Why no map of a look has an error, of NO_ERROR_REASONS; None if they have."""
    if seen.groups:
        return None
    if look.method.on_path:
        return "path"
    if not look.method.smooth:
        return "not_averaged"
    if look.nsamples < FEWEST_GROUPS:
        return "few_samples"
    return "memory" if seen.copies else "affine_head"
