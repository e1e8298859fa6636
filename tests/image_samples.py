"""Image files of every kind, made on the spot."""

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image


def gradient(height=40, width=60) -> np.ndarray:
    """A smooth picture without symmetry, uint8 RGB."""
    rows, columns = np.mgrid[:height, :width]
    planes = rows * 255 // height, columns * 255 // width, (rows + columns) * 127 // height
    return np.stack(planes, axis=-1).clip(0, 255).astype(np.uint8)


def encoded(pixels=None, kind="PNG", **options) -> bytes:
    picture = (
        pixels
        if isinstance(pixels, Image.Image)
        else Image.fromarray(gradient() if pixels is None else pixels)
    )
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def saved(directory: Path, data: bytes, name="x.jpg") -> Path:
    path = directory / name
    path.write_bytes(data)
    return path


LOSSLESS = {
    "PNG": {},
    "BMP": {},
    "TIFF": {},
    "GIF": {},
    "WEBP": {"lossless": True},
    "PPM": {},
    "JPEG2000": {},
    "SUN": None,
}
LOSSY = {"JPEG": {"quality": 95, "subsampling": 0}, "AVIF": {"quality": 95}}


def example(kind: str) -> bytes:
    if kind == "SUN":
        return cv2.imencode(".ras", gradient()[..., ::-1])[1].tobytes()
    if kind == "GIF":
        return encoded(Image.fromarray(gradient()).quantize(64).convert("RGB"), "GIF")
    return encoded(None, kind, **(LOSSLESS | LOSSY)[kind])
