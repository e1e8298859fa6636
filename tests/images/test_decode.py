import hashlib
import io
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from image_samples import LOSSLESS, LOSSY, encoded, example, gradient, saved
from PIL import Image, ImageOps

from sgcampp.images.decode import read_image


@pytest.mark.parametrize("kind", [*LOSSLESS, *LOSSY])
def test_every_format_gives_rgb(tmp_path, kind):
    data = example(kind)
    picture = read_image(saved(tmp_path, data))
    expected = gradient()
    tolerance = 40 if kind == "GIF" else 12 if kind in LOSSY else 0
    assert picture.rgb.dtype == np.uint8
    assert picture.rgb.shape == expected.shape
    assert picture.rgb.flags.c_contiguous
    assert np.abs(picture.rgb.astype(int) - expected).max() <= tolerance
    assert picture.sha256 == hashlib.sha256(data).hexdigest()
    assert picture.bytes == len(data)
    assert picture.mtime_ns == (tmp_path / "x.jpg").stat().st_mtime_ns
    assert picture.note is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_orientation_is_applied(tmp_path, kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(gradient(), kind, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    rgb = read_image(saved(tmp_path, data)).rgb
    assert rgb.shape == np.asarray(upright).shape
    assert rgb.shape[:2] == ((40, 60) if orientation < 5 else (60, 40))
    assert np.abs(rgb.astype(int) - np.asarray(upright)).max() <= 12


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_modes_become_rgb(tmp_path, mode, kind):
    picture = Image.fromarray(gradient()).convert(mode)
    rgb = read_image(saved(tmp_path, encoded(picture, kind))).rgb
    assert np.array_equal(rgb, np.asarray(picture.convert("RGB")))


def test_palette_with_transparency_keeps_its_colours(tmp_path):
    picture = Image.fromarray(gradient()).quantize(16)
    data = encoded(picture, "PNG", transparency=3)
    assert np.array_equal(read_image(saved(tmp_path, data)).rgb, np.asarray(picture.convert("RGB")))


def test_cmyk_jpeg(tmp_path):
    data = encoded(Image.fromarray(gradient()).convert("CMYK"), "JPEG", quality=95)
    rgb = read_image(saved(tmp_path, data)).rgb.astype(int)
    assert np.abs(rgb - gradient()).mean() < 6


@pytest.mark.parametrize("extension", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_become_eight(tmp_path, extension, channels):
    values = np.zeros((4, 5, channels), np.uint16)
    values[0, :3] = np.array([65535, 32896, 257])[:, None]
    data = cv2.imencode(extension, values)[1].tobytes()
    rgb = read_image(saved(tmp_path, data)).rgb
    assert rgb.shape == (4, 5, 3)
    assert rgb[0, :4].tolist() == [[255] * 3, [128] * 3, [1] * 3, [0] * 3]


def test_one_bit_pbm(tmp_path):
    rgb = read_image(saved(tmp_path, b"P1\n3 1\n1 0 1\n", "x.pbm")).rgb
    assert rgb[0, :, 0].tolist() == [0, 255, 0]


@pytest.mark.parametrize("size", [(1, 1), (3000, 5000)])
def test_sizes(tmp_path, size):
    rgb = read_image(saved(tmp_path, encoded(np.zeros(size, np.uint8)))).rgb
    assert rgb.shape == (*size, 3)
    assert not rgb.any()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG", "AVIF"])
def test_of_several_frames_the_first_is_taken_and_said(tmp_path, kind):
    black, grey, white = (Image.new("RGB", (8, 8), (v, v, v)) for v in (0, 128, 255))
    data = encoded(black, kind, save_all=True, append_images=[grey, white])
    picture = read_image(saved(tmp_path, data))
    assert picture.rgb.max() < 8
    assert picture.note == "first of 3 frames"


def test_png_called_jpg_and_back(tmp_path):
    assert read_image(saved(tmp_path, example("PNG"), "x.jpg")).rgb.shape == (40, 60, 3)
    assert read_image(saved(tmp_path, example("JPEG"), "x.png")).rgb.shape == (40, 60, 3)


def test_no_tensorflow_in_this_room():
    imports = "import sys, sgcampp.images.find, sgcampp.images.decode"
    code = f"{imports}; assert 'tensorflow' not in sys.modules"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
