"""Explains a photograph from Python: an overlay, and a figure of the three likeliest classes.

Usage: python examples/one_photograph.py [DIRECTORY [PHOTOGRAPH]]

Without PHOTOGRAPH it takes scikit-image's cat. The figure needs pip install 'sgcampp[plot]'.
"""

import sys
from pathlib import Path

from PIL import Image

import sgcampp

out = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
out.mkdir(parents=True, exist_ok=True)
if len(sys.argv) > 2:
    from sgcampp.images.decode import read_image

    image = read_image(sys.argv[2]).rgb
else:
    from skimage import data

    image = data.chelsea()  # uint8 RGB [H, W, 3]

classifier = sgcampp.load_model("efficientnet-lite0")
inputs = classifier.preprocess(image)  # float32 [1, 224, 224, 3]
explain = sgcampp.Explainer(classifier, "block14_expand_act", nsamples=8)

found = explain(inputs)
view = classifier.preprocessing.view(*image.shape[:2])  # the part of the image the model saw
Image.fromarray(sgcampp.overlay(image, found.maps[0], view=view)).save(out / "overlay.png")
print(f"{classifier.class_name(found.class_idx[0])}: {out / 'overlay.png'}")

explain(inputs, "top3").plot(inputs).savefig(out / "top3.png")
print(f"the three likeliest classes: {out / 'top3.png'}")
