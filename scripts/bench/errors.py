"""What standard errors cost: maps with them over maps without, taken in alternation.

By the clock, and in seconds of the processor, which other work on the machine shifts less but which
count a thread that spins while it waits. Where a process's memory happens to lie shifts the ratios
by half a point; so several processes measure, one after another. And the memory at most, of one map
of each kind in a process of its own.

Usage: python -m scripts.bench.errors --model vgg16 --layer block5_conv3 --nsamples 50
"""

import argparse
import json
import multiprocessing
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from scripts.machine import machine_facts, shown


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


def times(options: argparse.Namespace, both: tuple[int, int]) -> list[list[tuple[float, float]]]:
    """Maps without errors and with them in turn: seconds of each, as `seconds` has them."""
    works = [ready(options, groups) for groups in both]
    for work in works:
        work()
    return [[seconds(work) for work in works] for _ in range(options.repeats)]


def seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """(of the clock, of the processor) that a piece of work takes."""
    begin, begin_processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - begin_processor


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Ratios of times, and megabytes."""
    from sgcampp.engine.groups import MOST_GROUPS

    both = 1, MOST_GROUPS
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        peaks = pool.starmap(peak_megabytes, [(options, groups) for groups in both], chunksize=1)
        taken = pool.starmap(times, [(options, both)] * options.processes, chunksize=1)
    without, with_errors = np.moveaxis(np.array(taken), 2, 0)  # each [processes, repeats, 2]
    ratios = with_errors / without
    clock, processor = np.median(ratios, (0, 1))
    return {
        "model": options.model,
        "layer": options.layer,
        "n": options.nsamples,
        "B": options.batch_size,
        "megabytes": dict(zip(("without", "with_errors"), peaks, strict=True)),
        "seconds_a_map": float(np.median(without[..., 0])),
        "ratio": float(clock),
        "ratio_of_processor": float(processor),
        "of_processes": np.median(ratios, 1).round(3).tolist(),
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
        "{model} {layer} n={n} B={B}: {seconds_a_map:.3f} s a map, with errors {ratio:.3f} × as "
        "long, {ratio_of_processor:.3f} × of the processor (by processes {of_processes}); at most "
        "{megabytes[without]:.0f} MB, with errors {megabytes[with_errors]:.0f} MB"
    )
    print(line.format(**result))


if __name__ == "__main__":
    main()
