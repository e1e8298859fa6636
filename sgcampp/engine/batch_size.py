"""Finds a good device batch B by trying."""

import contextlib
import itertools
import os
import time

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.device import DeviceMemoryError, GaveUp
from sgcampp.engine.ensemble import Ensemble, Runs
from sgcampp.engine.grid import Grid
from sgcampp.explain.classes import NO_CLASS

CANDIDATES = (4, 8, 16, 32, 64, 128)
TRIED = 8
"""Slices of a group at most: thousands of perturbed images need not be run for this."""
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
    """Time a sample of the first slices of a group; the first of three runs is a warm-up."""
    layout = ensemble.lay_out(batch_size, batch_size).unrefined
    images = np.random.default_rng(0).random((layout.images, *image_shape), np.float32)
    codes = np.full((layout.images, ensemble.classes, 2), [-1, NO_CLASS], np.int32)
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        pairs = zip(ensemble.engines, layout.grids, strict=True)
        samples = sum(_try(engine, images, codes, grid) for engine, grid in pairs)
        taken.append((time.perf_counter() - begin) / samples)
    return min(taken[1:])


def _try(engine: Runs, images: NDArray[np.float32], codes: NDArray[np.int32], grid: Grid) -> int:
    """Runs the first slices of a group, and returns how many samples they have."""
    asked = itertools.count()
    with contextlib.suppress(GaveUp):
        engine.run(images, codes, grid, lambda: next(asked) >= TRIED)
    return grid.images * sum(map(len, grid.slices[:TRIED]))


def device_name() -> str:
    """What the first device is, and how many cores or bytes it has."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name"))
    return f"CPU with {len(os.sched_getaffinity(0))} cores"
