"""An image file becomes uint8 RGB, or a reason why not."""

import hashlib
import os
from dataclasses import dataclass

import cv2
import numpy as np

from sgcampp.images.faults import ImageError, Reason, from_os_error
from sgcampp.images.headers import Header, read_header
from sgcampp.images.items import Place
from sgcampp.storage.location import locate
from sgcampp.storage.store import Content, TooLarge

MAX_PIXELS = 100_000_000

_BYTES_PER_PIXEL = 8  # 16-bit RGBA, uncompressed
_BYTES_BESIDE = 1 << 26
_Bytes = bytes  # which a field of `Picture` is called

# What OpenCV would print about a bad file is said by ImageError, beside the file's name.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded image and what identifies its file.

    Attributes:
        rgb: uint8 [H,W,3], RGB, upright (EXIF orientation applied), alpha dropped.
        sha256: of the file's bytes, 64 hex digits.
        bytes: size of the file.
        mtime_ns: the file's modification time when it was opened.
        note: what the user should know, such as "first of 3 frames", or None.
        encoded: the file's bytes, where they are kept to be decoded again.
    """

    rgb: np.ndarray
    sha256: str
    bytes: int
    mtime_ns: int
    note: str | None = None
    encoded: _Bytes | None = None


def read_image(place: Place | str | os.PathLike[str], max_pixels: int = MAX_PIXELS) -> Picture:
    """Reads one image file whole and decodes its first frame.

    Grey, palette, CMYK, 1-bit and 16-bit images become 8-bit RGB (65535 → 255). Transparency is
    dropped: the stored colours stand, as classifiers are fed them (TIFF: on black, as libtiff
    does it).

    Args:
        place: what holds its bytes; or a path of a regular file, or a link to one, or a URL. The
            extension does not matter.
        max_pixels: images with more are refused before they are decoded, and files beyond
            8 bytes a pixel of that (+ 64 MiB) before they are read.

    Raises:
        ImageError: for whatever is wrong with this file, with its reason.
    """
    if isinstance(place, str | os.PathLike):
        place = locate(place)
    content = _read_bytes(place, max_pixels * _BYTES_PER_PIXEL + _BYTES_BESIDE)
    return decoded(content, max_pixels)


def decoded(content: Content, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decodes the first frame of an image file's bytes; as `read_image` does, which see."""
    data, facts = content
    if not data:
        raise ImageError(Reason.EMPTY, "the file has zero bytes")
    header = read_header(data)
    if header.width * header.height > max_pixels:
        raise ImageError(
            Reason.TOO_LARGE,
            f"{header.width}×{header.height} pixels are more than max_pixels={max_pixels}",
        )
    return Picture(
        rgb=_decode(data, header),
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        mtime_ns=facts.mtime_ns,
        note=f"first of {header.frames} frames" if header.frames > 1 else None,
        encoded=data,
    )


def _read_bytes(place: Place, max_bytes: int) -> Content:
    try:
        return place.read(max_bytes)
    except TooLarge as error:
        raise ImageError(
            Reason.TOO_LARGE, f"its {error.size} bytes are more than the {max_bytes} accepted"
        ) from error
    except OSError as error:
        raise from_os_error(error) from error
    except MemoryError as error:
        raise ImageError(Reason.TOO_LARGE, "it does not fit into memory") from error
    except ValueError as error:  # a NUL in the name
        raise ImageError(Reason.UNREADABLE, f"cannot be read: {error}") from error


def _decode(data: bytes, header: Header) -> np.ndarray:
    """Decodes the first frame to uint8 RGB [H,W,3], upright."""
    flags = cv2.IMREAD_COLOR_RGB
    if header.orientation != 1:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        rgb = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(
            Reason.CORRUPT, f"its {header.format} data cannot be decoded: {error.err}"
        ) from error
    if rgb is None:
        raise ImageError(
            Reason.CORRUPT,
            f"its {header.format} data are cut short, damaged or of a kind that OpenCV lacks",
        )
    return np.ascontiguousarray(_upright(rgb, header.orientation))


def _upright(rgb: np.ndarray, orientation: int) -> np.ndarray:
    """Applies an EXIF orientation (1–8): the side where row 0 and column 0 belong."""
    if orientation in (5, 6, 7, 8):
        rgb = rgb.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return rgb[::rows, ::columns]
