"""Size, frames and orientation of an image from its first bytes, before anything is decoded."""

import io
import re
import struct
import zlib
from dataclasses import dataclass

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PpmImagePlugin,
    SunImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from sgcampp.images.faults import ImageError, Reason

_ORIENTATION_TAG = 0x0112


@dataclass(frozen=True)
class Header:
    """What an image file says of itself.

    Attributes:
        format: such as "JPEG".
        width: of the first frame in pixels, before EXIF orientation.
        height: likewise.
        frames: 1, or the number of frames or pages.
        orientation: EXIF orientation 1–8 where OpenCV would not apply it, else 1.
    """

    format: str
    width: int
    height: int
    frames: int = 1
    orientation: int = 1


# Pillow's readers are called directly, not through Image.open: no other format can slip in, and
# Pillow's own pixel limit, a global of the whole process, stays out of the way of ours.
_READERS: dict[str, tuple[re.Pattern[bytes], type[ImageFile.ImageFile]]] = {
    "JPEG": (re.compile(rb"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile),
    "GIF": (re.compile(rb"GIF8[79]a"), GifImagePlugin.GifImageFile),
    "WebP": (re.compile(rb"RIFF....WEBP", re.DOTALL), WebPImagePlugin.WebPImageFile),
    "TIFF": (re.compile(rb"II[*+]\0|MM\0[*+]"), TiffImagePlugin.TiffImageFile),
    "BMP": (re.compile(rb"BM"), BmpImagePlugin.BmpImageFile),
    "PNM": (re.compile(rb"P[1-6]\s"), PpmImagePlugin.PpmImageFile),
    "JPEG 2000": (
        re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
        Jpeg2KImagePlugin.Jpeg2KImageFile,
    ),
    "AVIF": (
        re.compile(rb"....ftyp(avif|avis|mif1|msf1)", re.DOTALL),
        AvifImagePlugin.AvifImageFile,
    ),
    "Sun raster": (re.compile(rb"\x59\xa6\x6a\x95"), SunImagePlugin.SunImageFile),
}
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Pillow's readers let through whatever damaged data lead them to (found by random damage).
ON_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_TWO_LETTERS = ("BMP", "PNM")  # a text may begin like these


def read_header(data: bytes) -> Header:
    """Reads an image file's header; the content decides about the format, not the name.

    Args:
        data: the whole file; only its structure is read, no pixel is decoded.

    Raises:
        ImageError: NOT_AN_IMAGE for an unknown signature, CORRUPT when a known one is followed
            by a header that cannot be read or by damaged PNG chunks, TOO_LARGE when Pillow
            refuses the size.
    """
    if data.startswith(_PNG_SIGNATURE):
        return _png_header(data)
    for name, (signature, reader) in _READERS.items():
        if signature.match(data):
            return _pillow_header(name, reader, data)
    raise ImageError(Reason.NOT_AN_IMAGE, "its content is no image format that can be read")


def _pillow_header(name: str, reader: type[ImageFile.ImageFile], data: bytes) -> Header:
    try:
        with reader(io.BytesIO(data)) as image:
            width, height = image.size
            frames = getattr(image, "n_frames", 1)
            orientation = image.getexif().get(_ORIENTATION_TAG, 1) if name == "AVIF" else 1
    except Image.DecompressionBombError as error:
        raise ImageError(Reason.TOO_LARGE, "it has more pixels than Pillow accepts") from error
    except ON_DAMAGE as error:
        if name in _TWO_LETTERS:
            raise ImageError(
                Reason.NOT_AN_IMAGE, f"it begins like {name} but has no {name} header"
            ) from error
        raise ImageError(
            Reason.CORRUPT, f"its {name} header is cut short, damaged or of an unknown kind"
        ) from error
    return Header(name, width, height, frames, orientation)


def _png_header(data: bytes) -> Header:
    """Walks the chunks of a PNG to its end.

    libpng writes its complaints straight to file descriptor 2, where nothing can catch them, so
    short and damaged files must not reach it.
    """
    at, frames = len(_PNG_SIGNATURE), 1
    while at + 12 <= len(data):
        kind, length = data[at + 4 : at + 8], _big_endian(data, at)
        critical = kind[:1].isupper()
        checksum = zlib.crc32(memoryview(data)[at + 4 : at + 8 + length])
        if critical and checksum != _big_endian(data, at + 8 + length):
            break
        if kind == b"acTL":
            frames = max(1, _big_endian(data, at + 8))
        if kind == b"IEND":
            return Header("PNG", _big_endian(data, 16), _big_endian(data, 20), frames)
        at += 12 + length
    raise ImageError(Reason.CORRUPT, "its PNG data are cut short or damaged")


def _big_endian(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")
