"""Times work items of one library on request, in that library's own environment.

Usage: worker.py SETTINGS, a JSON object (see `bench_peers.Contestant.settings`). The worker first
answers one JSON line about itself; then each line on stdin names a work item, and the answer is a
JSON line with the seconds it took. It ends with its stdin.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np

WORK_ITEMS = {"smooth": 1, "grad_cam_pp_1": 1, "grad_cam_pp_8": 8, "score_cam_64": 1}
"""Images of each work item; the name without the number is the method."""

LEAST_SECONDS = 0.4
"""What is timed lasts at least this long: the clock of processor time ticks every 0.01 s."""


def private_stdout() -> TextIO:
    """The real stdout for answers; whatever else is printed goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def pixels(item: str) -> np.ndarray:
    """The images of a work item, float32 [N, 224, 224, 3], the same for every library."""
    shape = (WORK_ITEMS[item], 224, 224, 3)
    return np.random.default_rng(WORK_ITEMS[item]).uniform(-1, 1, shape).astype(np.float32)


def timed(work: Callable[[], np.ndarray]) -> dict[str, Any]:
    """Seconds of one work item, of processors too, its maps' shape and share of finite values.

    A short item is run several times over, and its seconds are the mean.
    """
    begin, processors, runs = time.perf_counter(), time.process_time(), 0
    while not runs or time.perf_counter() - begin < LEAST_SECONDS:
        maps = work()
        runs += 1
    return {
        "seconds": (time.perf_counter() - begin) / runs,
        "runs": runs,
        "processor_seconds": time.process_time() - processors,
        "shape": list(maps.shape),
        "finite": float(np.isfinite(maps).mean()),
    }


def main() -> None:
    """Answers until stdin ends."""
    answers = private_stdout()
    settings = json.loads(sys.argv[1])
    library = importlib.import_module(settings["module"])
    about, works = library.prepare(settings, {item: pixels(item) for item in settings["items"]})
    print(json.dumps(about), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(timed(works[line.strip()])), file=answers, flush=True)


if __name__ == "__main__":
    main()
