"""Makes the picture of what each choice that the paper leaves open does to a map.

Usage: python -m scripts.figures.choices_picture FILE
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.stats import spearmanr

from scripts.photographs import copy_photographs
from sgcampp import Explainer, load_model
from sgcampp.explain.choices import VALUES
from sgcampp.images.decode import read_image
from sgcampp.pictures.panel import Cell, draw_panel

LAYER, NSAMPLES, STD_DEV, PHOTOGRAPH = "block10_expand_act", 25, 0.3, "rocket.jpg"


def main(target: Path) -> None:
    """Writes one row a choice: its default, its other value, and their rank correlation."""
    classifier = load_model("efficientnet-lite0")
    with tempfile.TemporaryDirectory() as directory:
        (path,) = (p for p in copy_photographs(Path(directory)) if p.name == PHOTOGRAPH)
        image = read_image(path).rgb
    inputs = classifier.preprocess(image)

    def saliency(**choices: Any) -> np.ndarray:
        explain = Explainer(
            classifier, LAYER, nsamples=NSAMPLES, std_dev=STD_DEV, frozen=True, **choices
        )
        return explain(inputs).maps[0]

    default = saliency()
    cells, rows = [], []
    for name, (first, *others) in VALUES.items():
        for other in others:
            found = saliency(**{name: other})
            alike = spearmanr(default, found, axis=None)[0]
            print(f"{name}: {first} against {other}: rank correlation {alike:.3f}")
            caption = f"{other} · rank correlation {alike:.3f}"
            cells.append([Cell(default, first), Cell(found, caption)])
            rows.append(name)
    title = f"{PHOTOGRAPH}, {LAYER}, n = {NSAMPLES}, std_dev = {STD_DEV}"
    view = classifier.preprocessing.view(*image.shape[:2])
    picture = draw_panel(image, cells, ["default", "other"], rows, title, view=view)
    target.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(target), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
