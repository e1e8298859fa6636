"""A small real run over pictures whose names are meant to break a page."""

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tiny
from listener import Listener

ODD_NAMES = (
    b"plain.png",
    b'it\'s "quoted" $(no) `no`.png',
    b"two\nlines.png",
    b"caf\xe9.png",
    b"</script><img src=x onerror=alert(1)>.png",
    "sep\u2028arator 😀.png".encode(),
    b"100%25#a?b=c&amp;.png",
    "rtl\u202egnp.png".encode(),
    b"-o back\\slash.png",
)
BROKEN = {b"empty.png": b"", b"text.png": b"<html>404</html>", b"cut.jpg": b"\xff\xd8\xff\xe0 no"}


@dataclass
class OddRun:
    """Where the pictures are, and what was written about them."""

    pictures: Path
    out: Path


def explain_odd_pictures(directory, **settings):
    """Explains the pictures for two classes and two feature maps each; three are broken."""
    from sgcampp.config.run_config import RunConfig
    from sgcampp.pipeline import run

    pictures = directory / "pic tures"
    tiny.relu_cnn().model.save(directory / "tiny.keras")
    rng = np.random.default_rng(0)
    for name in ODD_NAMES:
        save(pictures, name, cv2.imencode(".png", rng.integers(0, 255, (30, 40, 3), np.uint8))[1])
    for name, data in BROKEN.items():
        save(pictures, name, data)
    config = RunConfig(
        model=str(directory / "tiny.keras"),
        layer_name="features",
        nsamples=2,
        scale=1 / 255,
        batch_size=6,
        target="top2",
        filters=[0, 3],
        sources=[str(pictures)],
        out=str(directory / "out"),
        **settings,
    )
    run(config, Listener())
    return OddRun(pictures, directory / "out")


def save(directory, name, data):
    path = directory / os.fsdecode(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(data))
