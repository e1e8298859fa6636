"""Trains a model to tell discs from crosses and explains it: python own_model.py [DIRECTORY]."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import keras
import numpy as np
from PIL import Image

import sgcampp

out = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
(out / "images").mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(0)
images = rng.integers(0, 90, (1200, 48, 48, 3), dtype=np.uint8)
kinds, places = rng.integers(0, 2, 1200), rng.integers(0, 32, (1200, 2))  # 0: disc, 1: cross
y, x = np.mgrid[-8:9, -8:9]
stencils = (x**2 + y**2 <= 64, (abs(x) < 3) | (abs(y) < 3))
for image, kind, (top, left) in zip(images, kinds, places, strict=True):
    image[top : top + 17, left : left + 17][stencils[kind]] = rng.integers(130, 255, 3)

conv = keras.layers.Conv2D
layers = [conv(16, 5, 2, "same", activation="relu"), conv(24, 5, activation="relu", name="shapes")]
head = [keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(2, activation="softmax")]
model = keras.Sequential([keras.Input((48, 48, 3)), *layers, *head])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(images / 255, kinds, epochs=3, verbose=2)

found = sgcampp.Explainer(model, "shapes", nsamples=8)(images[:1] / 255)
Image.fromarray(sgcampp.overlay(images[0], found.maps[0])).save(out / "overlay.png")
print(f"from Python: {out / 'overlay.png'}")
model.save(out / "shapes.keras")
for number, image in enumerate(images[:4]):
    Image.fromarray(image).save(out / f"images/{number}.png")
words = ["explain", out / "images", "-o", out / "explained", "--model", out / "shapes.keras"]
words += ["--scale", 1 / 255, "--nsamples", 8]
subprocess.run([Path(sysconfig.get_path("scripts"), "sgcampp"), *map(str, words)], check=True)
print(f"by the command: {out / 'explained/overlays'}")
