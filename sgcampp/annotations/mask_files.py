"""Objects as pictures: a PNG an image, anything but 0 is an object."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sgcampp.annotations.gathering import Gathering
from sgcampp.annotations.instances import AnnotationFault, Instance
from sgcampp.annotations.shapes import Pixels, Size

MAX_PIXELS = 100_000_000
UNREADABLE = "mask can't be read"

_VOID = 255  # the border around objects in the palette PNGs of Pascal VOC


def read_mask_names(paths: list[Path], root: Path, gathering: Gathering) -> None:
    """Notes which image each mask is of; the pictures are read when asked for.

    A mask is called as its image below `root`, with .png after the name or in place of its
    extension: `cat.jpg.png` or `cat.png` for `cat.jpg`.
    """
    for path in paths:
        name = path.relative_to(root).with_suffix("").as_posix()
        gathering.image(name, None).mask_file = path


def read_mask(path: Path) -> tuple[Size, tuple[Instance, ...]]:
    """The objects of a mask, which have no category: they count as whichever class is explained.

    One value beside 0 is one object; several are one object each, so a mask must not be smoothed.
    Colours count as values, transparency does not. In a palette picture of several values 255 is no
    object but the border around objects, as in Pascal VOC.

    Raises:
        AnnotationFault: if it can't be read.
    """
    values, palette = _values(path)
    found = [int(value) for value in np.unique(values) if value]
    if palette and len(found) > 1:
        found = [value for value in found if value != _VOID]
    objects = tuple(Instance(None, None, Pixels(values == value)) for value in found)
    return (values.shape[0], values.shape[1]), objects


def _values(path: Path) -> tuple[NDArray[np.int64], bool]:
    """The picture's values [H,W], colours as one number, and whether it has a palette."""
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise AnnotationFault(UNREADABLE, f"{path}: has more than {MAX_PIXELS} pixels")
            palette = picture.mode == "P"
            pixels = np.asarray(picture).astype(np.int64)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow says SyntaxError for a broken chunk.
        raise AnnotationFault(UNREADABLE, f"{path}: can't be read: {error}") from error
    if pixels.ndim == 2:
        return pixels, palette
    colours = pixels[..., : 3 if pixels.shape[2] > 2 else 1]
    return colours @ (256 ** np.arange(colours.shape[2])), palette
