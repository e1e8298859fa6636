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
        saliency: [h,w], ≥ 0.

    Returns:
        0.1 (even) to 1 (all heat in a tenth of the neurons); None for a map that is all zeros.
    """
    values = np.sort(saliency, axis=None).astype(np.float64)
    total = values.sum()
    tenth = -(-len(values) // 10)
    return float(values[-tenth:].sum() / total) if total > 0 else None


def packed(saliency: NDArray[np.float32]) -> dict[str, Any]:
    """A map's values as base64, row by row, little-endian.

    Args:
        saliency: float32 [h,w], ≥ 0.

    Returns:
        `shape`, `raw`, and for a map of many neurons `peak`: `raw` then holds uint16 q, and a
        value is q · peak / 65535; else it holds float32.
    """
    facts: dict[str, Any] = {"shape": list(saliency.shape)}
    if saliency.size <= EXACT_NEURONS:
        return {**facts, "raw": _base64(saliency.astype("<f4"))}
    peak = float(saliency.max())
    levels = np.rint(saliency.astype(np.float64) * (LEVELS / (peak or 1)))
    return {**facts, "raw": _base64(levels.astype("<u2")), "peak": peak}


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
