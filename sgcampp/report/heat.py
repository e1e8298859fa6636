"""A small map as a picture within a page: SVG, a rectangle a neuron."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VIRIDIS: Sequence[tuple[int, int, int]] = (
    *((68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142)),
    *((31, 158, 137), (53, 183, 121), (109, 205, 89), (180, 222, 44), (253, 231, 37)),
)


def heat_picture(heat: "NDArray[np.float64]", words: str) -> Markup:
    """Draws a map from its 0 to its maximum in viridis.

    Args:
        heat: [h, w], >= 0, of a few hundred neurons at most.
        words: what stands in its place for those who can't see it.
    """
    height, width = heat.shape
    top = float(heat.max()) or 1.0
    cells = (
        f'<path fill="{_colour(float(heat[i, j]) / top)}" d="M{j} {i}h1v1h-1z"/>'
        for i in range(height)
        for j in range(width)
    )
    return Markup(
        '<svg class="heat" viewBox="0 0 {} {}" role="img" aria-label="{}" '
        'shape-rendering="crispEdges">{}</svg>'
    ).format(width, height, words, Markup("".join(cells)))


def _colour(share: float) -> str:
    at = share * (len(_VIRIDIS) - 1)
    low = min(int(at), len(_VIRIDIS) - 2)
    mixed = (
        round(a + (at - low) * (b - a))
        for a, b in zip(_VIRIDIS[low], _VIRIDIS[low + 1], strict=True)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)
