"""Compares two layers and two methods on one photograph, from a single sampling.

Usage: python examples/compare_layers.py [DIRECTORY]
"""

import sys
from pathlib import Path

from PIL import Image
from skimage import data

import sgcampp
from sgcampp.pictures.panel import Cell, draw_panel

LAYERS = ["block10_expand_act", "block14_expand_act"]
METHODS = ["grad_cam", "smooth_grad_cam_pp"]

out = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
out.mkdir(parents=True, exist_ok=True)
classifier = sgcampp.load_model("efficientnet-lite0")
image = data.rocket()
explainer = sgcampp.Explainer(classifier, LAYERS, METHODS, nsamples=8)
found = explainer.each(classifier.preprocess(image))

maps = {(of.layer_name, of.method): of for of in found}
name = classifier.class_name(found[0].class_idx[0])
caption = f"{name} {found[0].probabilities[0]:.2f}"
cells = [[Cell(maps[layer, method].maps[0], caption) for method in METHODS] for layer in LAYERS]
view = classifier.preprocessing.view(*image.shape[:2])  # the part of the image the model saw
panel = draw_panel(image, cells, METHODS, LAYERS, "rocket.jpg", view=view)
Image.fromarray(panel).save(out / "layers.png")
print(f"two layers by two methods: {out / 'layers.png'}")
