"""Where in the picture the heat of a map lies."""

import numpy as np

from sgcampp.strategies.heat import Floats, overlap

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
    rows = [overlap(height, 0, CORNER), overlap(height, 1 - CORNER, 1)]
    columns = [overlap(width, 0, CORNER), overlap(width, 1 - CORNER, 1)]
    return {name: float(rows[i] @ heat @ columns[j]) for name, (i, j) in CORNERS.items()}


def border_share(heat: Floats) -> float:
    """The share of heat in the border; of an even map 1 - (1 - 2 BORDER)² = 44 %."""
    height, width = heat.shape
    inside = overlap(height, BORDER, 1 - BORDER) @ heat @ overlap(width, BORDER, 1 - BORDER)
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
    rows = [overlap(height, i / 3, (i + 1) / 3) for i in range(3)]
    columns = [overlap(width, j / 3, (j + 1) / 3) for j in range(3)]
    ninths = [[r @ heat @ c for c in columns] for r in rows]
    i, j = divmod(int(np.argmax(ninths)), 3)
    return NAMES[i][j]
