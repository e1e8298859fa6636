"""What the page knows of a raw map: how concentrated it is, and its values in few characters."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT_NEURONS = 32 * 32
"""Maps of up to so many neurons keep their float32 values; larger ones are quantised."""

LEVELS = 65535


def concentration(saliency: NDArray[np.float32]) -> float | None:
    """The share of a map's heat that lies in its hottest tenth of neurons.

    Args:
        saliency: [h,w]; absolute values are taken.

    Returns:
        0.1 (even) to 1 (all heat in a tenth of the neurons); None for a map that is all zeros.
    """
    values = np.sort(np.abs(saliency), axis=None).astype(np.float64)
    total = values.sum()
    tenth = -(-len(values) // 10)
    return float(values[-tenth:].sum() / total) if total > 0 else None


def packed(saliency: NDArray[np.float32]) -> dict[str, Any]:
    """A map's values as base64, row by row, little-endian.

    Args:
        saliency: float32 [h,w].

    Returns:
        `shape`, `raw`, and for a map of many neurons `least` (0, or below) and `peak`: `raw` then
        holds uint16 q, and a value is least + q · (peak - least) / 65535; else it holds float32.
    """
    facts: dict[str, Any] = {"shape": list(saliency.shape)}
    if saliency.size <= EXACT_NEURONS:
        return {**facts, "raw": _base64(saliency.astype("<f4"))}
    least, peak = min(0.0, float(saliency.min())), max(0.0, float(saliency.max()))
    levels = np.rint((saliency.astype(np.float64) - least) * (LEVELS / (peak - least or 1)))
    return {**facts, "raw": _base64(levels.astype("<u2")), "least": least, "peak": peak}


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
