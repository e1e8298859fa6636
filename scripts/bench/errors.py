"""What standard errors cost: maps with them over maps without, taken in alternation.

In seconds of the processor, which other work on the machine shifts less than the clock's. Where a
process's memory happens to lie shifts the ratio too, by half a point; so several processes measure,
one after another. And the memory at most, of one map of each kind in a process of its own.

Usage: python -m scripts.bench.errors --model vgg16 --layer block5_conv3 --nsamples 50
"""

import argparse
import itertools
import json
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from scripts.bench.engine import alternate
from scripts.machine import machine_facts, shown
from sgcampp.engine.groups import MOST_GROUPS

BOTH = 1, MOST_GROUPS
"""Groups that samples are dealt into: without errors, and with them."""


def ready(options: argparse.Namespace, groups: int) -> Callable[[], Any]:
    """What makes one image's map, of one model, layer, n and B."""
    from sgcampp import Explainer, load_model
    from sgcampp.engine.engine import Engine
    from sgcampp.explain.classes import NO_CLASS

    weights = "imagenet" if options.model.startswith("efficientnet-lite") else "none"
    classifier = load_model(options.model, weights)
    explainer = Explainer(classifier, options.layer, nsamples=options.nsamples)
    shape = classifier.input_shape
    x = np.random.default_rng(1).uniform(-1, 1, (1, *shape)).astype(np.float32)
    codes = np.array([[[-1, NO_CLASS]]], np.int32)
    engine = Engine(
        classifier.model,
        shape,
        explainer.looks,
        explainer.looks[0].sampling,
        explainer.baselines(shape[-1]),
        classifier.output_name,
        frozen=True,
        groups=groups,
    )
    grid = engine.lay_out(options.batch_size, 1)
    return lambda: engine.run(x, codes, grid)


def peak_megabytes(options: argparse.Namespace, groups: int) -> float:
    """The resident memory of this process once a map was made in it, at most."""
    ready(options, groups)()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def times(options: argparse.Namespace) -> list[list[float]]:
    """Seconds of the processor a map, without errors and with them."""
    works = [ready(options, groups) for groups in BOTH]
    return alternate(options.repeats, *works, clock=time.process_time)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Ratios of times, and megabytes."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        peaks = pool.starmap(peak_megabytes, [(options, groups) for groups in BOTH], chunksize=1)
        taken = pool.map(times, [options] * options.processes, chunksize=1)
    ratios = [[b / a for a, b in zip(*pairs, strict=True)] for pairs in taken]
    return {
        "model": options.model,
        "layer": options.layer,
        "n": options.nsamples,
        "B": options.batch_size,
        "megabytes": dict(zip(("without", "with_errors"), peaks, strict=True)),
        "cpu_seconds_a_map": statistics.median(itertools.chain(*(pairs[0] for pairs in taken))),
        "ratio": statistics.median(itertools.chain(*ratios)),
        "of_processes": [round(statistics.median(of_one), 3) for of_one in ratios],
    }


def main() -> None:
    """Prints one line of results, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="efficientnet-lite0")
    parser.add_argument("--layer", default="block10_expand_act")
    parser.add_argument("--nsamples", type=int, default=25)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result, facts = measure(options), machine_facts()
    if options.json:
        print(json.dumps({**result, "machine": facts}))
        return
    print(f"# {shown(facts)}")
    line = (
        "{model} {layer} n={n} B={B}: {cpu_seconds_a_map:.3f} s of the processor a map, with "
        "errors {ratio:.3f} × as long (by processes {of_processes}); at most "
        "{megabytes[without]:.0f} MB, with errors {megabytes[with_errors]:.0f} MB"
    )
    print(line.format(**result))


if __name__ == "__main__":
    main()
