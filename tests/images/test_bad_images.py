import errno
import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from image_samples import LOSSLESS, LOSSY, example, saved

from sgcampp.images.decode import read_image
from sgcampp.images.faults import ImageError, Reason


def failure(path, **options) -> ImageError:
    with pytest.raises(ImageError) as info:
        read_image(path, **options)
    assert info.value.message
    assert "\n" not in info.value.message
    return info.value


@pytest.mark.parametrize("kind", [*LOSSLESS, *LOSSY])
@pytest.mark.parametrize("keep", [0.05, 0.5, 0.97, -1])
def test_truncated_files_are_corrupt(tmp_path, capfd, kind, keep):
    data = example(kind)
    cut = data[:-1] if keep == -1 else data[: max(16, int(len(data) * keep))]
    assert failure(saved(tmp_path, cut)).reason == Reason.CORRUPT
    assert capfd.readouterr().err == ""


def test_zero_bytes(tmp_path):
    assert failure(saved(tmp_path, b"")).reason == Reason.EMPTY


@pytest.mark.parametrize(
    "text",
    [b"hello", b"BMW is a maker of cars", b"P1 is not a picture", b"\0" * 999, b"<svg/>", b"P"],
)
def test_not_an_image(tmp_path, text):
    assert failure(saved(tmp_path, text)).reason == Reason.NOT_AN_IMAGE


def test_damage_in_the_middle(tmp_path):
    data = bytearray(example("PNG"))
    data[len(data) // 2] ^= 0xFF
    assert failure(saved(tmp_path, bytes(data))).reason == Reason.CORRUPT


def png_of(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims any size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


def test_too_many_pixels_are_refused_before_decoding(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    error = failure(saved(tmp_path, png_of(100_000, 99_999)))
    assert error.reason == Reason.TOO_LARGE
    assert "100000×99999" in error.message
    for kind in [*LOSSLESS, *LOSSY]:
        path = saved(tmp_path, example(kind))
        assert failure(path, max_pixels=40 * 60 - 1).reason == Reason.TOO_LARGE


def test_the_limit_itself_is_accepted(tmp_path):
    assert read_image(saved(tmp_path, example("PNG")), max_pixels=40 * 60).rgb.shape == (40, 60, 3)


def test_a_huge_file_is_refused_before_reading(tmp_path):
    with (tmp_path / "x.jpg").open("wb") as file:
        file.truncate(1 << 40)
    assert failure(tmp_path / "x.jpg").reason == Reason.TOO_LARGE


def test_what_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    (tmp_path / "broken.jpg").symlink_to("nothing")
    (tmp_path / "dir.jpg").mkdir()
    assert failure(tmp_path / "pipe.jpg").reason == Reason.NOT_A_FILE
    assert failure("/dev/zero").reason == Reason.NOT_A_FILE
    assert failure(tmp_path / "dir.jpg").reason == Reason.IS_A_DIRECTORY
    assert failure(tmp_path / "circle.jpg").reason == Reason.LINK_LOOP
    assert failure(tmp_path / "broken.jpg").reason == Reason.VANISHED
    assert failure(tmp_path / "gone.jpg").reason == Reason.VANISHED
    assert failure(tmp_path / ("x" * 300)).reason == Reason.NAME_TOO_LONG


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.EACCES, Reason.PERMISSION), (errno.EIO, Reason.UNREADABLE)]
)
def test_what_the_system_refuses(tmp_path, monkeypatch, number, reason):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    path = saved(tmp_path, example("PNG"))
    monkeypatch.setattr(os, "open", refuse)
    assert failure(path).reason == reason


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_random_damage_gives_a_picture_or_a_reason(tmp_path):
    rng = np.random.default_rng(0)
    for kind in [*LOSSLESS, *LOSSY] * 30:
        data = bytearray(example(kind))
        for at in rng.integers(0, rng.choice([60, len(data)]), 3):
            data[at] = rng.integers(0, 256)
        path = saved(tmp_path, bytes(data))
        try:
            assert read_image(path).rgb.shape[2] == 3
        except ImageError as error:
            assert error.reason in (Reason.CORRUPT, Reason.NOT_AN_IMAGE, Reason.TOO_LARGE)


def test_a_limit_beyond_all_memory_is_none(tmp_path):
    path = saved(tmp_path, example("PNG"))
    assert read_image(path, max_pixels=10**30).bytes == path.stat().st_size
    with path.open("ab") as file:
        file.truncate(1 << 42)
    assert failure(path, max_pixels=10**30).reason == Reason.TOO_LARGE
