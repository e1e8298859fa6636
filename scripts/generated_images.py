"""Writes any number of small, different, reproducible JPEG photographs into a directory.

Usage: python scripts/generated_images.py DIRECTORY COUNT
"""

import shutil
import sys
from pathlib import Path

import cv2
import numpy as np

from scripts.photographs import copy_photographs
from sgcampp.images.decode import read_image

SIDE = 192


def generate_images(directory: Path, count: int, per_directory: int = 100) -> None:
    """Cuts `count` random squares out of scikit-image's photographs; the same ones every time."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = copy_photographs(directory / "originals")
    originals = [read_image(path).rgb for path in paths]
    rng = np.random.default_rng(0)
    for number in range(count):
        image = originals[number % len(originals)]
        side = int(rng.integers(SIDE // 2, min(image.shape[:2])))
        top, left = (int(rng.integers(0, length - side + 1)) for length in image.shape[:2])
        cut = cv2.resize(image[top : top + side, left : left + side], (SIDE, SIDE))
        folder = directory / f"{number // per_directory:04d}"
        folder.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"{number:06d}.jpg"), cv2.cvtColor(cut, cv2.COLOR_RGB2BGR))
    shutil.rmtree(directory / "originals")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    generate_images(Path(sys.argv[1]), int(sys.argv[2]))
