"""Where in the picture the heat of a map lies."""

import numpy as np

from sgcampp.strategies.maps import Floats

CORNER, BORDER = 1 / 4, 1 / 8
"""Sides of a corner, and the width of the border, as shares of the picture's."""
CORNERS = {
    "top left": (0, 0),
    "top right": (0, 1),
    "bottom left": (1, 0),
    "bottom right": (1, 1),
}
NAMES = (
    ("top left", "top", "top right"),
    ("left", "middle", "right"),
    ("bottom left", "bottom", "bottom right"),
)
"""The ninths of a picture."""


def corner_shares(heat: Floats) -> dict[str, float]:
    """The share of heat in each corner; of an even map each has CORNER² = 6.25 %.

    Args:
        heat: [h, w] of the sum 1.
    """
    height, width = heat.shape
    rows = [_overlap(height, 0, CORNER), _overlap(height, 1 - CORNER, 1)]
    columns = [_overlap(width, 0, CORNER), _overlap(width, 1 - CORNER, 1)]
    return {name: float(rows[i] @ heat @ columns[j]) for name, (i, j) in CORNERS.items()}


def border_share(heat: Floats) -> float:
    """The share of heat in the border; of an even map 1 - (1 - 2 BORDER)² = 44 %."""
    height, width = heat.shape
    inside = _overlap(height, BORDER, 1 - BORDER) @ heat @ _overlap(width, BORDER, 1 - BORDER)
    return float(1 - inside)


def area_of_half(heat: Floats) -> float:
    """The share of the picture that holds the hotter half of the heat: small is concentrated."""
    falling = np.sort(heat, axis=None)[::-1]
    sums = np.cumsum(falling)
    full = int(np.searchsorted(sums, 0.5))
    before = sums[full - 1] if full else 0.0
    return float((full + (0.5 - before) / falling[full]) / heat.size)


def hottest_place(heat: Floats) -> str:
    """The ninth of the picture with the most heat, in words."""
    height, width = heat.shape
    rows = [_overlap(height, i / 3, (i + 1) / 3) for i in range(3)]
    columns = [_overlap(width, j / 3, (j + 1) / 3) for j in range(3)]
    ninths = [[r @ heat @ c for c in columns] for r in rows]
    i, j = divmod(int(np.argmax(ninths)), 3)
    return NAMES[i][j]


def _overlap(cells: int, low: float, high: float) -> Floats:
    """How much of each of so many cells of equal length lies between two shares of the whole."""
    edges = np.arange(cells + 1) / cells
    inside = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return np.maximum(inside, 0) * cells
