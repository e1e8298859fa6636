"""The device batch B of a run, remembered in the user's cache directory once it was found."""

import hashlib
import json
from pathlib import Path

from platformdirs import user_cache_path

from sgcampp.engine.batch_size import best_batch_size, device_name
from sgcampp.engine.ensemble import Ensemble
from sgcampp.engine.settings import AUTO_BATCH_SIZE
from sgcampp.storage.atomic import write_atomically

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
    seen = [ensemble.seen[look] for look in ensemble.looks]
    work = [[facts.layer, facts.copies] for facts in seen]
    identity = [key, work, ensemble.classes, image_shape, ensemble.passes, device_name()]
    name = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
    known = _remembered()
    if name in known:
        return known[name]
    if samples < WORTHWHILE:
        return AUTO_BATCH_SIZE
    best = best_batch_size(ensemble, image_shape)
    _remember({**known, name: best})
    return best


def _cache_file() -> Path:
    return user_cache_path("sgcampp") / "batch_sizes.json"


def _remembered() -> dict[str, int]:
    """What was found before; nothing if the file is missing or is not ours."""
    try:
        known = json.loads(_cache_file().read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember(known: dict[str, int]) -> None:
    """Keeps what was found; a cache that can't be written is no reason to stop."""
    try:
        write_atomically(_cache_file(), json.dumps(known).encode())
    except OSError:
        return
