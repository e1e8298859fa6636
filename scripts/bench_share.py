"""What several filters, classes and methods of one image cost together, over the cost of one map.

Usage: python scripts/bench_share.py --model vgg16 --layer block5_conv3 --nsamples 50
"""

import argparse
import json
import statistics
from typing import Any

import numpy as np
from bench_engine import alternate
from machine import machine_facts, shown

METHODS = ("grad_cam", "grad_cam_pp", "smooth_grad_cam_pp")
FILTERS, CLASSES = 10, 5


def run_of(
    classifier: Any, options: argparse.Namespace, methods: Any, filters: Any, classes: int
) -> Any:
    """A piece of work: one image, the given methods, filters and top classes."""
    from sgcampp.explain.choices import Choices
    from sgcampp.explain.engine import Engine
    from sgcampp.explain.grid import lay_out
    from sgcampp.explain.methods import find_method
    from sgcampp.explain.sampling import Sampling
    from sgcampp.explain.selection import Selection

    shape = classifier.input_shape
    sampling = Sampling(
        tuple(find_method(name) for name in methods),
        Choices(),
        Selection(filters),
        options.nsamples,
        0.15,
        0,
    )
    engine = Engine(classifier.model, shape, (options.layer,), None, sampling, classes, frozen=True)
    grid = lay_out(engine.passes, options.batch_size, 1)
    image = np.random.default_rng(1).uniform(-1, 1, (1, *shape)).astype(np.float32)
    codes = -1 - np.arange(classes, dtype=np.int32)[None]
    return lambda: engine.run(image, codes, grid)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Ratios of each kind of sharing, and of all at once, to one map."""
    from sgcampp import load_model

    weights = "imagenet" if options.model.startswith("efficientnet-lite") else "none"
    classifier = load_model(options.model, weights)
    one, ten = ("smooth_grad_cam_pp",), list(range(FILTERS))
    works = {
        "one map": run_of(classifier, options, one, None, 1),
        f"{FILTERS} filters": run_of(classifier, options, one, ten, 1),
        f"{CLASSES} classes": run_of(classifier, options, one, None, CLASSES),
        f"{len(METHODS)} methods": run_of(classifier, options, METHODS, None, 1),
        "all together": run_of(classifier, options, METHODS, ten, CLASSES),
    }
    taken = alternate(options.repeats, *works.values())
    ratios = {
        name: statistics.median(a / b for a, b in zip(seconds, taken[0], strict=True))
        for name, seconds in zip(works, taken, strict=True)
    }
    return {"seconds_of_one": statistics.median(taken[0]), "ratios": ratios}


def main() -> None:
    """Prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="efficientnet-lite0")
    parser.add_argument("--layer", default="block15_expand_act")
    parser.add_argument("--nsamples", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options)
    if options.json:
        print(json.dumps({**vars(options), **result, "machine": machine_facts()}))
        return
    print(f"# {shown(machine_facts())}")
    for name, ratio in result["ratios"].items():
        print(
            f"{options.model} {options.layer} n={options.nsamples}: {name}: {ratio:.3f} × one map"
        )


if __name__ == "__main__":
    main()
