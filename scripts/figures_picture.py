"""Stacks the panels of one photograph that `make figures` made into one picture.

Usage: python scripts/figures_picture.py figures/MODEL PHOTOGRAPH FILE
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from sgcampp.files.images import read_image


def main(figures: Path, photograph: str, target: Path) -> None:
    """Writes the panels of all figures, one below the other, on white."""
    paths = sorted(figures.glob(f"figure*/panels/{photograph}.png"))
    if not paths:
        sys.exit(f"{figures} has no panels of {photograph}: run `make figures` first")
    panels = [read_image(path).rgb for path in paths]
    height, width = sum(p.shape[0] for p in panels), max(p.shape[1] for p in panels)
    whole = np.full((height, width, 3), 255, np.uint8)
    top = 0
    for panel in panels:
        whole[top : top + panel.shape[0], : panel.shape[1]] = panel
        top += panel.shape[0]
    cv2.imwrite(str(target), cv2.cvtColor(whole, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
