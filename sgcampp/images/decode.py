"""An image file becomes uint8 RGB, or a reason why not."""

import hashlib
import os
import stat
from dataclasses import dataclass

import cv2
import numpy as np

from sgcampp.images.faults import ImageError, Reason, from_os_error
from sgcampp.images.headers import Header, read_header

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


def read_image(path: str | os.PathLike[str], max_pixels: int = MAX_PIXELS) -> Picture:
    """Reads one image file whole and decodes its first frame.

    Grey, palette, CMYK, 1-bit and 16-bit images become 8-bit RGB (65535 → 255). Transparency is
    dropped: the stored colours stand, as classifiers are fed them (TIFF: on black, as libtiff
    does it).

    Args:
        path: a regular file, or a link to one; the extension does not matter.
        max_pixels: images with more are refused before they are decoded, and files beyond
            8 bytes a pixel of that (+ 64 MiB) before they are read.

    Raises:
        ImageError: for whatever is wrong with this file, with its reason.
    """
    data, status = _read_bytes(path, max_pixels * _BYTES_PER_PIXEL + _BYTES_BESIDE)
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
        mtime_ns=status.st_mtime_ns,
        note=f"first of {header.frames} frames" if header.frames > 1 else None,
    )


def _read_bytes(path: str | os.PathLike[str], max_bytes: int) -> tuple[bytes, os.stat_result]:
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            status = os.fstat(descriptor)
            _check_kind(status, max_bytes)
            # `read` takes the memory first; a file that grows meanwhile may do so a little.
            return file.read(min(max_bytes, status.st_size + _BYTES_BESIDE)), status
    except OSError as error:
        raise from_os_error(error) from error
    except MemoryError as error:
        raise ImageError(Reason.TOO_LARGE, "it does not fit into memory") from error
    except ValueError as error:  # a NUL in the name
        raise ImageError(Reason.UNREADABLE, f"cannot be read: {error}") from error


def _check_kind(status: os.stat_result, max_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(Reason.NOT_A_FILE, "it is not a regular file (a pipe, socket or device)")
    if status.st_size > max_bytes:
        raise ImageError(
            Reason.TOO_LARGE, f"its {status.st_size} bytes are more than the {max_bytes} accepted"
        )


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
