"""Finds a good device batch B by trying, and remembers it in the user's cache directory."""

import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np

from sgcampp.engine.engine import DeviceMemoryError
from sgcampp.engine.ensemble import Ensemble
from sgcampp.engine.grid import AUTO_BATCH_SIZE
from sgcampp.explain.classes import NO_CLASS

CANDIDATES = (4, 8, 16, 32, 64, 128)
GAIN = 1.03
"""A doubled B must be faster by this factor, or it is not worth its memory."""
WORTHWHILE = 2000
"""Samples in a run from which on trying pays."""


def tuned_batch_size(
    ensemble: Ensemble, image_shape: tuple[int, ...], samples: int, key: str
) -> int:
    """A good B for a run: the one remembered, or found by trying if the run is long enough.

    Args:
        ensemble: traced.
        image_shape: (H, W, C).
        samples: images times passes of the whole run.
        key: whatever else the best B depends on: model, precision and the like.
    """
    work = [[seen.layer, seen.copies] for seen in ensemble.seen]
    identity = json.dumps([key, work, ensemble.classes, image_shape, ensemble.passes, _device()])
    name = hashlib.sha256(identity.encode()).hexdigest()
    known = _remembered()
    if name in known:
        return known[name]
    if samples < WORTHWHILE:
        return AUTO_BATCH_SIZE
    best = _try(ensemble, image_shape)
    _remember({**known, name: best})
    return best


def _try(ensemble: Ensemble, image_shape: tuple[int, ...]) -> int:
    """Doubles B as long as that makes samples faster."""
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
    layout = ensemble.lay_out(batch_size, batch_size)
    images = np.random.default_rng(0).random((layout.images, *image_shape), np.float32)
    codes = np.full((layout.images, ensemble.classes, 2), [-1, NO_CLASS], np.int32)
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        ensemble.run(images, codes, layout)
        taken.append(time.perf_counter() - begin)
    return min(taken[1:]) / (layout.images * (ensemble.passes + 1))


def _device() -> str:
    """What the first device is, and how many cores or bytes it has."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name"))
    return f"CPU with {len(os.sched_getaffinity(0))} cores"


def _cache_file() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "sgcampp" / "batch_sizes.json"


def _remembered() -> dict[str, int]:
    """What was found before; nothing if the file is missing or is not ours."""
    try:
        known = json.loads(_cache_file().read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember(known: dict[str, int]) -> None:
    """Keeps what was found; a cache that can't be written is no reason to stop."""
    path = _cache_file()
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(known))
        temporary.replace(path)
    except OSError:
        return
