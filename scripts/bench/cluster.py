"""What workers bring, and what the process that drives them costs.

--real: images a second of two workers on this machine's cores, over those of one process with all
of them; whole runs, and without their first third, in which models are loaded.
--sleeping: with an engine that sleeps 20 ms an image, eight workers over one; --images a worker.
--rows: with an engine that does nothing, rows a second of the driver, its memory, and bytes a row.
"""

import argparse
import itertools
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from scripts.bench import stub_engine
from scripts.generated_images import generate_images
from scripts.machine import machine_facts, shown
from sgcampp.cluster import worker
from sgcampp.config.run_config import RunConfig
from sgcampp.pipeline import run
from sgcampp.run.backlog import Drive
from sgcampp.tree.lock import WHOLE
from sgcampp.tree.paths import manifest_part

LAYER = "block15_expand_act"
SLEEP = 0.02


class Times:
    """A reporter that notes when each row was made and told."""

    def __init__(self) -> None:
        self.finished: list[float] = []
        self.begin = self.end = 0.0

    def note(self, sentence: str) -> None:
        """Nothing."""

    def start(self, summary: Any) -> None:
        """The model is loaded, by one worker at least."""
        self.begin = time.time()

    def skip(self) -> None:
        """Nothing."""

    def finish(self, row: Any) -> None:
        """One more image is done."""
        self.finished.append(row.finished)
        self.end = time.time()

    @property
    def steady(self) -> float:
        """Images a second after the first third."""
        times = sorted(self.finished)
        third = len(times) // 3
        return (len(times) - third) / (times[-1] - times[third - 1])


def real(options: argparse.Namespace) -> dict[str, float]:
    """Ratios of two workers to one process, in turn."""
    whole, steady = [], []
    with tempfile.TemporaryDirectory() as directory:
        source, numbers = Path(directory, "images"), itertools.count()
        generate_images(source, options.images)
        for _ in range(options.repeats):
            seconds, rates = [], []
            for workers in (0, options.workers):
                out = Path(directory, f"out{next(numbers)}")
                config = RunConfig(
                    sources=[str(source)], out=str(out), nsamples=options.nsamples,
                    layer_name=[LAYER], batch_size=16,
                )  # fmt: skip
                times, begin = Times(), time.time()
                run(config, times, Drive(workers=workers))
                seconds.append(time.time() - begin)
                rates.append(times.steady)
            whole.append(seconds[0] / seconds[1])
            steady.append(rates[1] / rates[0])
    return {"whole_run": max(whole), "steady": max(steady), "least_steady": min(steady)}


@contextmanager
def stubbed(seconds: float) -> Iterator[None]:
    """Workers explain nothing, and take so long for each image."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, {stub_engine.SECONDS: str(seconds)}))
        for name in ("prepare", "settle", "explain"):
            stack.enter_context(mock.patch.object(worker, name, getattr(stub_engine, name)))
        yield


def stub_run(images: int, workers: int, seconds: float) -> tuple[float, float]:
    """Images a second of a run whose workers are there, and its manifest's bytes an image."""
    with tempfile.TemporaryDirectory() as directory, stubbed(seconds):
        listed = Path(directory, "images.txt")
        listed.write_text("".join(f"{n % 1000:03d}/{n:08d}.jpg\n" for n in range(images)))
        config = RunConfig(sources=[str(listed)], out=str(Path(directory, "out")))
        times = Times()
        run(config, times, Drive(workers=workers))
        size = (Path(config.out or "") / manifest_part(WHOLE)).stat().st_size
    return images / (times.end - times.begin), size / images


def sleeping(options: argparse.Namespace) -> dict[str, float]:
    """The rate of eight workers over that of one."""
    many, one = (stub_run(options.images * n, n, SLEEP)[0] for n in (8, 1))
    return {"eight_over_one": many / one}


def rows(options: argparse.Namespace) -> dict[str, float]:
    """Rows a second of time and of this process's processor time, and the most memory it had."""
    before = time.process_time()
    rate, size = stub_run(options.images, options.workers, 0.0)
    busy = time.process_time() - before
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "rows_a_second": rate,
        "rows_a_processor_second": options.images / busy,
        "driver_mb": most,
        "bytes_a_row": size,
    }


def main() -> None:
    """Prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--nsamples", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=1)
    what = parser.add_mutually_exclusive_group(required=True)
    flags = (("--real", real), ("--sleeping", sleeping), ("--rows", rows))
    for flag, function in flags:
        what.add_argument(flag, dest="measure", action="store_const", const=function)
    options = parser.parse_args()
    found = {name: round(value, 3) for name, value in options.measure(options).items()}
    print(json.dumps(found, indent=1))
    print(shown(machine_facts()))  # last: it brings TensorFlow in


if __name__ == "__main__":
    main()
