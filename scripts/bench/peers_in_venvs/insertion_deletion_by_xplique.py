"""Insertion and Deletion by xplique of maps in a file, in xplique's own environment.

Usage: insertion_deletion_by_xplique.py DIRECTORY STEPS BATCH_SIZE

DIRECTORY has model.keras and work.npz: images float32 [N, H, W, C], classes int [N], black [C],
and maps float32 [N, m, H, W]. Prints seconds, processor seconds and the values [2, m] as JSON; what
is timed is everything but loading.
"""
# mypy: disable-error-code="import-not-found"

import json
import sys
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from xplique.metrics import Deletion, Insertion


def main() -> None:
    """Prints what it took, and the metrics of each map's place, means over the images."""
    directory, steps, batch_size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    model = tf.keras.models.load_model(directory / "model.keras")
    with np.load(directory / "work.npz") as work:
        images, maps, black = work["images"], work["maps"], work["black"]
        targets = np.eye(model.output_shape[-1], dtype=np.float32)[work["classes"]]
    fill = np.broadcast_to(black, images.shape).astype(np.float32)

    def baseline(_: object) -> np.ndarray:
        return fill

    begin, used = time.perf_counter(), time.process_time()
    values = [
        [float(metric.evaluate(maps[:, place])) for place in range(maps.shape[1])]
        for metric in (
            kind(model, images, targets, batch_size, baseline_mode=baseline, steps=steps)
            for kind in (Insertion, Deletion)
        )
    ]
    taken = {"seconds": time.perf_counter() - begin, "processor": time.process_time() - used}
    print(json.dumps({**taken, "values": values}))


if __name__ == "__main__":
    main()
