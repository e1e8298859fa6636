"""An image file becomes uint8 RGB, or a reason why not."""

import hashlib
import os
from dataclasses import dataclass

import cv2
import numpy as np

from sgcampp.images.faults import ImageError, Reason, from_os_error
from sgcampp.images.headers import Header, read_header
from sgcampp.storage.local import LocalStore
from sgcampp.storage.store import Content, Store, TooLarge

LOCAL = LocalStore("")
"""The files of this machine, by absolute paths or from the working directory."""

MAX_PIXELS = 100_000_000

_BYTES_PER_PIXEL = 8  # 16-bit RGBA, uncompressed
_BYTES_BESIDE = 1 << 26

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
    """

    rgb: np.ndarray
    sha256: str
    bytes: int
    mtime_ns: int
    note: str | None = None


def read_image(
    path: str | os.PathLike[str], max_pixels: int = MAX_PIXELS, store: Store = LOCAL
) -> Picture:
    """Reads one image file whole and decodes its first frame.

    Grey, palette, CMYK, 1-bit and 16-bit images become 8-bit RGB (65535 → 255). Transparency is
    dropped: the stored colours stand, as classifiers are fed them (TIFF: on black, as libtiff
    does it).

    Args:
        path: a regular file, or a link to one; the extension does not matter.
        max_pixels: images with more are refused before they are decoded, and files beyond
            8 bytes a pixel of that (+ 64 MiB) before they are read.
        store: where `path` lies.

    Raises:
        ImageError: for whatever is wrong with this file, with its reason.
    """
    data, facts = _read_bytes(path, max_pixels * _BYTES_PER_PIXEL + _BYTES_BESIDE, store)
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
    )


def _read_bytes(path: str | os.PathLike[str], max_bytes: int, store: Store) -> Content:
    try:
        return store.read(os.fspath(path), max_bytes)
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
