"""Saliency maps become pictures: upsampled onto the image, coloured, laid over it."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import repeat
from typing import Any

import cv2
import numpy as np

from sgcampp.errors import UserError, nearest

View = tuple[float, float, float, float]
"""(top, left, height, width) in pixels of the upright image: the rectangle the model saw."""

COLORMAPS = ("viridis", "cividis", "inferno", "magma", "plasma", "turbo", "jet", "gray")
"""Accepted names, the default first; turbo and jet are not safe for colour-blind readers."""

DIVERGING = "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f"
"""The colours of signed maps, from the lowest over zero to the highest: ColorBrewer's RdBu."""

_UNSEEN_BRIGHTNESS = 0.5
_STRIP_PIXELS = 1 << 18  # worked on at a time, so that a large image needs no large floats


def heatmap(
    saliency: np.ndarray,
    size: tuple[int, int],
    colormap: str = "viridis",
    view: View | None = None,
    peak: float | None = None,
    signed: bool = False,
) -> np.ndarray:
    """Colours a saliency map at the size of its image.

    Args:
        saliency: [h,w], ≥ 0 unless signed, any scale; it is divided by `peak`, and all zeros stay
            zero.
        size: (H, W) of the result in pixels.
        colormap: of `COLORMAPS`.
        view: the rectangle of the H×W image that the map covers, all of it by default. Outside
            it the result has the colour of zero.
        peak: the value that has the last colour, as have all above it; None: the map's maximum.
            One peak for several maps makes their colours comparable.
        signed: whether values may be negative. Colours then run from -peak over 0, which is white,
            to peak, whatever `colormap`; the maximum is that of absolute values.

    Returns:
        uint8 [H,W,3], RGB.

    Raises:
        UserError: for an unknown colour map.
        ValueError: for a map that is not [h,w], finite and, unless signed, ≥ 0, a peak that is not
            finite and ≥ 0, or a size below 1.
    """
    colours = _diverging() if signed else _colours(colormap)
    result = np.empty((*size, 3), np.uint8)
    for rows, heat in _strips(saliency, size, view, peak, signed):
        result[rows] = colours[_levels(heat, signed)]
    return result


def overlay(
    image: np.ndarray,
    saliency: np.ndarray,
    alpha: float = 0.6,
    colormap: str = "viridis",
    view: View | None = None,
    peak: float | None = None,
    signed: bool = False,
    error: np.ndarray | None = None,
) -> np.ndarray:
    """Lays a coloured saliency map over its image.

    The opacity of the colours is alpha·√|heat|, heat from −1 or 0 to 1: weak heat still shows.
    Where two standard errors are more than the map, it is less by as many times.

    Args:
        image: uint8 [H,W,3], RGB.
        saliency: [h,w], ≥ 0, as for `heatmap`.
        alpha: opacity at the map's maximum, 0 (image only) to 1 (colour only).
        colormap: of `COLORMAPS`.
        view: as for `heatmap`; the image is darkened outside it, where the model saw nothing.
        peak: as for `heatmap`, as is the next one.
        signed: whether values may be negative.
        error: [h,w], ≥ 0, the map's standard error, where colours shall fade for it.

    Returns:
        uint8 [H,W,3], RGB.

    Raises:
        UserError: for an unknown colour map, or an alpha outside 0 to 1.
        ValueError: for an image that is not uint8 [H,W,3], or a map or peak as for `heatmap`.
    """
    _check(image, alpha)
    colours = (_diverging() if signed else _colours(colormap)).astype(np.float32)
    result = np.empty_like(image)
    size = image.shape[:2]
    opacities: Iterator[Any] = (
        repeat(alpha) if error is None else _faded(alpha, saliency, error, size, view)
    )
    for rows, heat in _strips(saliency, size, view, peak, signed):
        strip = image[rows].astype(np.float32)
        opacity = (next(opacities) * np.sqrt(np.abs(heat)))[..., None]
        result[rows] = strip + opacity * (colours[_levels(heat, signed)] - strip) + 0.5
    _darken_unseen(result, view)
    return result


def _check(image: np.ndarray, alpha: float) -> None:
    if not 0 <= alpha <= 1:
        raise UserError(f"alpha is {alpha}; accepted are numbers from 0 to 1")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image is {image.dtype} {list(image.shape)}, not uint8 [H,W,3]")


def _faded(
    alpha: float, saliency: np.ndarray, error: np.ndarray, size: tuple[int, ...], view: View | None
) -> Iterator[Any]:
    """Alpha times |map| / (2 standard errors), that 1 at most, in the strips of `_strips`."""
    height, twice = np.abs(saliency), 2 * error
    share = np.where(twice > height, height / np.where(twice > height, twice, 1), 1)
    return (alpha * heat for _, heat in _strips(share, size, view, 1.0, signed=False))


def robust_peak(saliency: np.ndarray) -> float | None:
    """The 99th percentile of a map, which shows more than the maximum where few pixels stand out.

    As the authors of SmoothGrad draw maps in pixel space; absolute values are taken. None, for the
    maximum, if it is 0.
    """
    return float(np.percentile(np.abs(saliency), 99)) or None


def _strips(
    saliency: np.ndarray,
    size: tuple[int, ...],
    view: View | None,
    peak: float | None,
    signed: bool,
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yields (rows, heat) from top to bottom; heat is float32 [rows,W], 0 outside the view.

    Neurons lie at the centres of equal cells of the view (half-pixel centres); beyond the
    outermost centres the border values continue.
    """
    if min(size) < 1:
        raise ValueError(f"size {size} has no pixels")
    normalised = _normalised(saliency, peak, signed)
    top, left, height, width = view or (0, 0, size[0], size[1])
    down = _interpolation(size[0], top, height, normalised.shape[0])
    wide = normalised @ _interpolation(size[1], left, width, normalised.shape[1]).T
    step = max(1, _STRIP_PIXELS // size[1])
    for first in range(0, size[0], step):
        rows = slice(first, first + step)
        yield rows, down[rows] @ wide


def _normalised(saliency: np.ndarray, peak: float | None, signed: bool) -> np.ndarray:
    """Returns the map divided by its peak, float32 [h,w], 0 to 1; of a signed one from -1."""
    values = np.asarray(saliency, np.float64)  # a subnormal float32 has no float32 inverse
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError("a saliency map is [h,w] and finite")
    if values.min() < 0 and not signed:
        raise ValueError("a saliency map that is not signed is not negative")
    if peak is None:
        peak = np.abs(values).max()
    if not 0 <= peak < np.inf:
        raise ValueError(f"peak is {peak}, not finite and ≥ 0")
    heat = np.clip(values / peak, -1, 1) if peak > 0 else np.sign(values)
    return heat.astype(np.float32)


def _interpolation(pixels: int, start: float, length: float, neurons: int) -> np.ndarray:
    """Returns the linear interpolation along one axis, float32 [pixels,neurons].

    Each row holds the two weights of its pixel, or zeros if the pixel's centre is outside of
    [start, start + length).
    """
    centres = np.arange(pixels) + 0.5 - start
    position = np.clip(centres * neurons / length - 0.5, 0, neurons - 1)
    lower = position.astype(int)
    weights = np.zeros((pixels, neurons + 1), np.float32)
    every = np.arange(pixels)
    weights[every, lower] = 1 - (position - lower)
    weights[every, lower + 1] = position - lower
    weights[(centres < 0) | (centres >= length)] = 0
    return weights[:, :neurons]


def _levels(heat: np.ndarray, signed: bool) -> np.ndarray:
    """Returns heat 0–1, or −1–1, as uint8 0–255, rounded."""
    return ((heat + 1) * 127.5 + 0.5 if signed else heat * 255 + 0.5).astype(np.uint8)


def _darken_unseen(picture: np.ndarray, view: View | None) -> None:
    if view is None:
        return
    top, left, height, width = view
    rows, columns = (np.arange(length) + 0.5 for length in picture.shape[:2])
    seen_rows = (rows >= top) & (rows < top + height)
    seen_columns = (columns >= left) & (columns < left + width)
    dark = (np.arange(256) * _UNSEEN_BRIGHTNESS).astype(np.uint8)
    picture[~seen_rows] = dark[picture[~seen_rows]]
    if not seen_columns.all():
        unseen = np.ix_(seen_rows, ~seen_columns)
        picture[unseen] = dark[picture[unseen]]


@lru_cache(maxsize=1)
def _diverging() -> np.ndarray:
    """Returns the 256 colours of signed maps, uint8 [256,3], RGB."""
    anchors = np.array([list(bytes.fromhex(colour)) for colour in DIVERGING.split()], float)
    at = np.linspace(0, len(anchors) - 1, 256)
    channels = [np.interp(at, np.arange(len(anchors)), channel) for channel in anchors.T]
    return np.rint(np.stack(channels, 1)).astype(np.uint8)


@lru_cache(maxsize=len(COLORMAPS))
def _colours(colormap: str) -> np.ndarray:
    """Returns the 256 colours of a map, uint8 [256,3], RGB."""
    if colormap not in COLORMAPS:
        raise UserError(
            f"colormap {colormap!r} is unknown; accepted are {', '.join(COLORMAPS)}"
            + nearest(colormap, COLORMAPS)
        )
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    if colormap == "gray":
        return np.repeat(ramp, 3, axis=1)
    bgr = cv2.applyColorMap(ramp, getattr(cv2, f"COLORMAP_{colormap.upper()}"))
    return np.ascontiguousarray(bgr[:, 0, ::-1])
