"""Copies the photographs that scikit-image ships into a directory.

Usage: python scripts/photographs.py DIRECTORY
"""

import shutil
import sys
from importlib.resources import as_file, files
from pathlib import Path

NAMES = ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png")


def copy_photographs(directory: Path) -> list[Path]:
    """Copies chelsea, coffee, rocket and astronaut; returns their new paths."""
    directory.mkdir(parents=True, exist_ok=True)
    copies = []
    for name in NAMES:
        with as_file(files("skimage.data") / name) as source:
            copies.append(Path(shutil.copyfile(source, directory / name)))
    return copies


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    copy_photographs(Path(sys.argv[1]))
