"""Twenty good images among one of each bad file: all good ones explained, each bad one listed."""

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny
from listener import Listener
from PIL import Image

from sgcampp.config.run_config import RunConfig
from sgcampp.pipeline import run
from sgcampp.storage.local import LocalStore
from sgcampp.tree.index import read_manifest
from sgcampp.tree.status import read_status

GOOD = 20


def png_header_of_100_megapixels():
    """A tiny file whose header claims 20000×5001 pixels."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 20000, 5001, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def encoded(suffix):
    picture = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    return cv2.imencode(suffix, picture)[1].tobytes()


BAD_BYTES = {
    "empty.jpg": (b"", "empty"),
    "text.jpg": (b"this is no picture at all\n", "not_an_image"),
    "truncated.jpg": (encoded(".jpg")[:-900], "corrupt"),
    "truncated.png": (encoded(".png")[:-900], "corrupt"),
    "vast.png": (png_header_of_100_megapixels(), "too_large"),
}


def make_bad(directory):
    """One of each; returns the reason expected for each key."""
    expected = {}
    for name, (data, reason) in BAD_BYTES.items():
        (directory / name).write_bytes(data)
        expected[name] = reason
    (directory / "folder.jpg").mkdir()
    expected["folder.jpg"] = "is_a_directory"
    (directory / "dangling.png").symlink_to(directory / "nowhere.png")
    expected["dangling.png"] = "vanished"
    (directory / "circle.png").symlink_to(directory / "circle.png")
    expected["circle.png"] = "link_loop"
    (directory / "sub").mkdir()
    (directory / "sub" / "up").symlink_to(directory, target_is_directory=True)
    expected["sub/up"] = "link_loop"
    os.mkfifo(directory / "pipe.jpg")
    expected["pipe.jpg"] = "not_a_file"
    return expected


def make_odd_but_good(directory):
    """Files that look odd and must be explained all the same."""
    (directory / "really-a-png.jpg").write_bytes(encoded(".png"))
    names = [b"with space.png", b"with 'quotes\".png", b"with\nnewline.png", b"caf\xe9.png"]
    for name in names:
        Path(os.fsdecode(os.fsencode(directory) + b"/" + name)).write_bytes(encoded(".png"))
    picture = np.random.default_rng(1).integers(0, 255, (40, 50, 3), np.uint8)
    frames = [Image.fromarray(picture), Image.fromarray(255 - picture)]
    frames[0].save(directory / "animated.gif", save_all=True, append_images=frames[1:])
    Image.fromarray(picture).convert("CMYK").save(directory / "cmyk.jpg")
    cv2.imwrite(str(directory / "deep.png"), picture.astype(np.uint16) * 257)
    cv2.imwrite(str(directory / "grey.png"), picture[..., 0])
    return {"really-a-png.jpg", "animated.gif", "cmyk.jpg", "deep.png", "grey.png"} | {
        os.fsdecode(name) for name in names
    }


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    directory = home / "images"
    directory.mkdir()
    tiny.relu_cnn().model.save(home / "tiny.keras")
    odd = make_odd_but_good(directory)
    for number in range(GOOD - len(odd)):
        (directory / f"good{number:02d}.png").write_bytes(encoded(".png"))
    expected = make_bad(directory)
    config = RunConfig(
        model=str(home / "tiny.keras"), sources=[str(directory)], out=str(home / "out")
    )
    summary = run(config, Listener())
    rows = {row.key: row for row in read_manifest(LocalStore(home / "out"))}
    return summary, rows, expected, odd, home / "out"


def test_all_good_ones_are_explained_and_all_bad_ones_are_listed(outcome):
    summary, rows, expected, odd, out = outcome
    assert summary.explained == GOOD
    assert {key: row.reason for key, row in rows.items() if row.reason} == expected
    assert odd <= {key for key, row in rows.items() if row.status == "ok"}
    assert summary.exit_code == 1
    assert all(row.error for row in rows.values() if row.reason)
    status = read_status(out)
    assert (status.done, status.missing) == (GOOD, 0)
    assert status.failed.total() == len(expected)


def test_files_of_oddly_named_images_are_where_the_row_says(outcome):
    _, rows, _, odd, out = outcome
    for key in odd:
        for record in rows[key].maps:
            for path in record.files.values():
                assert (out / path).is_file()
                assert out in (out / path).resolve().parents


def test_the_first_frame_of_an_animation_is_said_so(outcome):
    assert outcome[1]["animated.gif"].note == "first of 2 frames"


def test_an_image_without_permission_or_gone_meanwhile_is_listed(tmp_path, monkeypatch):
    """Tests may run as root, whom no permission stops: the refusal is the kernel's own errno."""
    import errno

    directory = tmp_path / "images"
    directory.mkdir()
    tiny.relu_cnn().model.save(tmp_path / "tiny.keras")
    for name in ("a.png", "b.png", "c.png"):
        (directory / name).write_bytes(encoded(".png"))
    original = os.open

    def refusing(path, *args, **kwargs):
        name = Path(path).name
        if name == "a.png":
            raise OSError(errno.EACCES, "Permission denied")
        if name == "b.png":
            Path(path).unlink()
        return original(path, *args, **kwargs)

    monkeypatch.setattr("sgcampp.images.decode.os.open", refusing)
    config = RunConfig(
        model=str(tmp_path / "tiny.keras"), sources=[str(directory)], out=str(tmp_path / "out")
    )
    assert run(config, Listener()).exit_code == 1
    reasons = {row.key: row.reason for row in read_manifest(LocalStore(tmp_path / "out"))}
    assert reasons == {"a.png": "permission", "b.png": "vanished", "c.png": None}
