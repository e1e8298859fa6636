"""Stacks panels, as `sgcampp compare` draws them, into one picture.

Usage: python -m scripts.figures.stack_panels FILE PANEL...
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from sgcampp.images.decode import read_image


def main(target: Path, paths: list[Path]) -> None:
    """Writes the panels one below the other, on white."""
    panels = [read_image(path).rgb for path in paths]
    height, width = sum(p.shape[0] for p in panels), max(p.shape[1] for p in panels)
    whole = np.full((height, width, 3), 255, np.uint8)
    top = 0
    for panel in panels:
        whole[top : top + panel.shape[0], : panel.shape[1]] = panel
        top += panel.shape[0]
    cv2.imwrite(str(target), cv2.cvtColor(whole, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]])
