"""Time and memory of a scan: images against a background, on the embedded model.

`python -m scripts.bench.scan` scans 1,000 generated images against 10,000, of which 1,000 are kept
(`--keep`), and prints the parts of the work as multiples of the bare forward passes.
"""

import argparse
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from scripts.machine import machine_facts, shown
from sgcampp.engine.activations import ActivationReader
from sgcampp.engine.background import Background, Scan, ordered_codes, sampling_order
from sgcampp.engine.scanning import ScanEngine
from sgcampp.explain.choices import Choices
from sgcampp.explain.classes import NO_CLASS
from sgcampp.explain.looks import looks_of
from sgcampp.explain.scanning import ScanSettings
from sgcampp.explain.selection import Selection
from sgcampp.models.loading import load_model

BATCH = 16
CODES = np.full((BATCH, 1, 2), [[-1, NO_CLASS]], np.int32)
Result = TypeVar("Result")


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--background", type=int, default=10_000)
    parser.add_argument("--keep", type=int, default=1000)
    parser.add_argument("--layer", default="head_act")
    given = parser.parse_args()
    classifier = load_model("efficientnet-lite0")
    (look,) = looks_of([given.layer], ["subset_scan"], Choices(), Selection(), 0, 0.0, 0)
    reader = ActivationReader(classifier.model, classifier.input_shape, look.where, frozen=True)
    reader(_batch(0), CODES)
    print(shown(machine_facts()))
    keys = [f"{i}.jpg" for i in range(given.background)]
    background, made = _timed(lambda: _made(reader, sampling_order(0, keys)[: given.keep]))
    against = Scan(background, ScanSettings("generated"))
    engine, ready = _timed(
        lambda: ScanEngine(classifier.model, classifier.input_shape, look, against, frozen=True)
    )
    grid = engine.lay_out(BATCH, given.images)
    batches = range(0, given.images, BATCH)
    _, scanned = _timed(lambda: [engine.run(_batch(at), CODES, grid) for at in batches])
    _, passes = _timed(lambda: [len(reader(_batch(at), CODES).A) for at in batches])
    neurons, size = int(np.prod(reader.spot.shape)), background.rows.nbytes / 1e6
    print(f"{given.layer}: {neurons} neurons; {given.keep} of {given.background} images kept")
    print(f"background made in {made:.0f} s, {size:.0f} MB; ordered and scored in {ready:.0f} s")
    print(
        f"{given.images} images scanned in {scanned:.0f} s, {scanned / passes:.2f} of bare passes"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process {peak:.0f} MB")


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    begin = time.perf_counter()
    return work(), time.perf_counter() - begin


def _made(reader: ActivationReader, order: list[int]) -> Background:
    """The background of generated images by number."""
    rows = np.zeros((len(order), int(np.prod(reader.spot.shape))), np.uint16)
    for at in range(0, len(order), BATCH):
        A = reader(_batch(10**6 + at), CODES).A[: len(order) - at]
        rows[at : at + BATCH] = ordered_codes(A.reshape(len(A), -1))
    return Background({"layer": reader.spot.address}, reader.spot.shape, rows)


def _batch(at: int) -> np.ndarray:
    """Generated model inputs, float32 [BATCH, 224, 224, 3]."""
    rng = np.random.default_rng(at)
    coarse = rng.uniform(-1, 1, (BATCH, 14, 14, 3)).astype(np.float32)
    return coarse.repeat(16, axis=1).repeat(16, axis=2)


if __name__ == "__main__":
    main()
