"""How pictures look."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """How pictures look.

    Attributes:
        colormap: of `rendering.COLORMAPS`.
        alpha: opacity of an overlay's colours at the maximum, 0 to 1.
        png_compression: 0 (fast, large) to 9 (slow, small).
        panel_scale: of `panel.SCALES`.
        fade_uncertain: whether overlays, in panels too, fade where maps are unsure.
        panel_errors: whether panels show each map's error beside it.
    """

    colormap: str = "viridis"
    alpha: float = 0.6
    png_compression: int = 1
    panel_scale: str = "own"
    fade_uncertain: bool = False
    panel_errors: bool = False
