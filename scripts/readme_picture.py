"""Makes the README's picture: photographs, Grad-CAM++ and Smooth Grad-CAM++ beside each other.

Usage: python scripts/readme_picture.py FILE
"""

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from photographs import copy_photographs

from sgcampp import Explainer, load_model, overlay
from sgcampp.files.images import read_image

LAYER, NSAMPLES, SIDE, BAND = "block14_expand_act", 25, 224, 26
TITLES = ("photograph", "Grad-CAM++ (n = 0)", f"Smooth Grad-CAM++ (n = {NSAMPLES})")


def captioned(picture: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    """A picture [H, W, 3] with a line of text above it."""
    band = np.full((BAND, picture.shape[1], 3), 255, np.uint8)
    cv2.putText(band, text, (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([band, picture])


def square(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The centre square of a picture, SIDE pixels wide."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = picture[top : top + side, left : left + side]
    return cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8)


def main(target: Path) -> None:
    """Writes the picture: one column a photograph, one row a method."""
    classifier = load_model("efficientnet-lite0")
    with tempfile.TemporaryDirectory() as directory:
        images = [read_image(path).rgb for path in copy_photographs(Path(directory))]
    inputs = classifier.preprocess(images)
    columns: list[list[NDArray[np.uint8]]] = [[square(image)] for image in images]
    names: list[str] = []
    for nsamples in (0, NSAMPLES):
        found = Explainer(classifier, LAYER, nsamples=nsamples)(inputs)
        names = [classifier.class_name(index) for index in found.class_idx]
        for column, image, saliency in zip(columns, images, found.maps, strict=True):
            view = classifier.preprocessing.view(*image.shape[:2])
            column.append(square(overlay(image, saliency, view=view)))
    for column, name in zip(columns, names, strict=True):
        titles = (name, *TITLES[1:])
        column[:] = [
            captioned(picture, title) for picture, title in zip(column, titles, strict=True)
        ]
    whole = np.hstack([np.vstack(column) for column in columns])
    target.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(target), cv2.cvtColor(whole, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
