"""Which file names are those of images."""

import re

_IMAGE_NAME = re.compile(
    r".*[^/]\.(jpe?g|jpe|jfif|a?png|bmp|dib|webp|gif|tiff?|p[pgbn]m|jp2|j2k|avif|ras|sr)",
    re.IGNORECASE | re.DOTALL,
)


def is_image_name(name: str) -> bool:
    """Returns whether a path has the extension of a format that `headers.read_header` knows."""
    return _IMAGE_NAME.fullmatch(name) is not None
