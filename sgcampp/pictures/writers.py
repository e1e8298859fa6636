"""Finished maps become the bytes of files; each kind of file is one decorated function."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sgcampp.pictures.arrangement import DrawnMap, panel_of
from sgcampp.pictures.encoding import npy, png
from sgcampp.pictures.rendering import View, heatmap, overlay
from sgcampp.pictures.style import Style
from sgcampp.registry import Registry


@dataclass(frozen=True, eq=False)
class FinishedMap:
    """One saliency map with what is needed to draw it.

    Attributes:
        saliency: float32 [h,w], ≥ 0 unless signed, unnormalised.
        image: uint8 [H,W,3], RGB, upright.
        view: the rectangle of the image that the model saw; None: all of it.
        style: how pictures look.
        peak: the value that pictures show in the last colour; None: the map's maximum.
        error: float32 [h,w], ≥ 0, the map's standard error; None where it has none.
        signed: whether values may be negative.
        from_minimum: whether pictures show what is above the map's minimum.
    """

    saliency: np.ndarray
    image: np.ndarray
    view: View | None = None
    style: Style = field(default_factory=Style)
    peak: float | None = None
    error: np.ndarray | None = None
    signed: bool = False
    from_minimum: bool = False

    @property
    def shown(self) -> np.ndarray:
        """float32 [h,w], what pictures show."""
        return self.saliency - self.saliency.min() if self.from_minimum else self.saliency


@dataclass(frozen=True, eq=False)
class FinishedImage:
    """An image with all its maps.

    Attributes:
        key: of the image.
        image: uint8 [H,W,3], RGB, upright.
        view: the rectangle of the image that the model saw; None: all of it.
        maps: at least one.
        style: how pictures look.
    """

    key: str
    image: np.ndarray
    view: View | None
    maps: Sequence[DrawnMap]
    style: Style


@dataclass(frozen=True)
class Writer:
    """A kind of file.

    Attributes:
        kind: its directory in the output tree.
        extension: of its files.
        encode: the content of one: of a `FinishedMap`, or of a `FinishedImage`.
        of_image: whether there is one an image, about all its maps, and not one a map.
        draws: whether it looks at the image's pixels.
        of_error: whether it shows a map's error, so that a map without one has no such file.
    """

    kind: str
    extension: str
    encode: Callable[..., bytes]
    of_image: bool = False
    draws: bool = True
    of_error: bool = False


WRITERS = Registry[Writer]("kind of file")
"""All kinds of files that a run can write, by name."""

_Encoder = Callable[..., bytes]


def writer(
    kind: str,
    extension: str,
    *,
    of_image: bool = False,
    draws: bool = True,
    of_error: bool = False,
) -> Callable[[_Encoder], _Encoder]:
    """Registers a function as the writer of the files in `OUT/<kind>/`; see `Writer`."""

    def register(encode: _Encoder) -> _Encoder:
        WRITERS.register(kind, Writer(kind, extension, encode, of_image, draws, of_error))
        return encode

    return register


def encode(kind: str, finished: FinishedMap) -> bytes:
    """Returns the content of one file about a map.

    Args:
        kind: of `WRITERS`.
        finished: the map; a map that is not finite is never written.

    Raises:
        ValueError: for a map that is not float32 [h,w] and finite: a bug, not bad input.
        UserError: for a style that `rendering` refuses.
    """
    for array in (finished.saliency, finished.error):
        if array is None:
            continue
        if array.ndim != 2 or array.dtype != np.float32 or not np.isfinite(array).all():
            raise ValueError(f"map {array.dtype} {list(array.shape)} is not finite float32 [h,w]")
    return WRITERS[kind].encode(finished)


@writer("arrays", ".npy", draws=False)
def _array(finished: FinishedMap) -> bytes:
    """The raw map."""
    return npy(finished.saliency)


@writer("errors", ".npy", draws=False, of_error=True)
def _error(finished: FinishedMap) -> bytes:
    """The map's standard error, as a raw map."""
    assert finished.error is not None
    return npy(finished.error)


@writer("heatmaps", ".png")
def _heatmap(finished: FinishedMap) -> bytes:
    """The coloured map at the image's size: PNG, RGB."""
    height, width = finished.image.shape[:2]
    style = finished.style
    drawn = (style.colormap, finished.view, finished.peak, finished.signed)
    picture = heatmap(finished.shown, (height, width), *drawn)
    return png(picture, style.png_compression)


@writer("error_heatmaps", ".png", of_error=True)
def _error_heatmap(finished: FinishedMap) -> bytes:
    """The standard error in the colours of its map's heatmap, so that the two can be compared."""
    assert finished.error is not None
    height, width = finished.image.shape[:2]
    peak = float(finished.shown.max()) if finished.peak is None else finished.peak
    style = finished.style
    picture = heatmap(finished.error, (height, width), style.colormap, finished.view, peak)
    return png(picture, style.png_compression)


@writer("overlays", ".png")
def _overlay(finished: FinishedMap) -> bytes:
    """The coloured map over the image: PNG, RGB."""
    style = finished.style
    picture = overlay(
        finished.image,
        finished.shown,
        style.alpha,
        style.colormap,
        finished.view,
        finished.peak,
        finished.signed,
        finished.error if style.fade_uncertain else None,
    )
    return png(picture, style.png_compression)


@writer("panels", ".png", of_image=True)
def _panel(finished: FinishedImage) -> bytes:
    """The image and all its maps beside each other, with their names: PNG, RGB."""
    style = finished.style
    picture = panel_of(finished.image, finished.maps, finished.key, finished.view, style)
    return png(picture, style.png_compression)
