"""Finds a good device batch B by trying."""

import os
import time

import numpy as np
import tensorflow as tf

from sgcampp.engine.device import DeviceMemoryError
from sgcampp.engine.ensemble import Ensemble
from sgcampp.explain.classes import NO_CLASS

CANDIDATES = (4, 8, 16, 32, 64, 128)
GAIN = 1.03
"""A doubled B must be faster by this factor, or it is not worth its memory."""


def best_batch_size(ensemble: Ensemble, image_shape: tuple[int, ...]) -> int:
    """Doubles B as long as that makes samples faster; runs random images of shape (H, W, C)."""
    best, fastest = 1, float("inf")
    for batch_size in CANDIDATES:
        try:
            seconds = _seconds_a_sample(ensemble, image_shape, batch_size)
        except DeviceMemoryError:
            break
        if seconds * GAIN > fastest:
            break
        best, fastest = batch_size, seconds
    return best


def _seconds_a_sample(ensemble: Ensemble, image_shape: tuple[int, ...], batch_size: int) -> float:
    """Time of one group of random images, a sample; the first of three runs is a warm-up."""
    layout = ensemble.lay_out(batch_size, batch_size).unrefined
    images = np.random.default_rng(0).random((layout.images, *image_shape), np.float32)
    codes = np.full((layout.images, ensemble.classes, 2), [-1, NO_CLASS], np.int32)
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        ensemble.run(images, codes, layout)
        taken.append(time.perf_counter() - begin)
    return min(taken[1:]) / (layout.images * (ensemble.passes + 1))


def device_name() -> str:
    """What the first device is, and how many cores or bytes it has."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name"))
    return f"CPU with {len(os.sched_getaffinity(0))} cores"
