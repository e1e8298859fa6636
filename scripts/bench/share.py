"""What several filters, classes and methods of one image cost together, over the cost of one map.

Usage: python -m scripts.bench.share --model vgg16 --layer block5_conv3 --nsamples 50
"""

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scripts.bench.engine import alternate
from scripts.machine import machine_facts, shown

METHODS = ("grad_cam", "grad_cam_pp", "smooth_grad_cam_pp")
FILTERS, CLASSES, TOP = 10, 5, 3


def run_of(
    classifier: Any,
    options: argparse.Namespace,
    methods: Sequence[str] = METHODS[-1:],
    filters: Sequence[int] | None = None,
    classes: int = 1,
    layers: Sequence[str] | None = None,
) -> Callable[[], object]:
    """A piece of work: one image by the given methods, filters, top classes and layers."""
    from sgcampp import Explainer

    explainer = Explainer(
        classifier,
        layers or [options.layer],
        methods,
        options.nsamples,
        batch_size=options.batch_size,
        filters=filters,
        frozen=True,
    )
    shape = (1, *classifier.input_shape)
    image = np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)
    return lambda: explainer.each(image, f"top{classes}")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Ratios of each kind of sharing, and of all at once, to one map."""
    from sgcampp import load_model

    weights = "imagenet" if options.model.startswith("efficientnet-lite") else "none"
    classifier = load_model(options.model, weights)
    ten = list(range(FILTERS))
    works = {
        "one map": run_of(classifier, options),
        f"{FILTERS} filters": run_of(classifier, options, filters=ten),
        f"{CLASSES} classes": run_of(classifier, options, classes=CLASSES),
        f"{len(METHODS)} methods": run_of(classifier, options, METHODS),
        "all together": run_of(classifier, options, METHODS, ten, CLASSES),
    }
    taken = alternate(options.repeats, *works.values())
    ratios = {
        name: statistics.median(a / b for a, b in zip(seconds, taken[0], strict=True))
        for name, seconds in zip(works, taken, strict=True)
    }
    result = {"seconds_of_one": statistics.median(taken[0]), "ratios": ratios}
    if options.second_layer:
        result["together_to_single_runs"] = together(classifier, options)
    return result


def together(classifier: Any, options: argparse.Namespace) -> float:
    """All methods at two layers for the top classes in one run, over the sum of single runs."""
    layers = [options.layer, options.second_layer]
    one_run = run_of(classifier, options, METHODS, None, TOP, layers)
    # A run of one class costs the same whichever it is.
    single_runs = [
        run_of(classifier, options, [method], layers=[layer])
        for method in METHODS
        for layer in layers
    ]
    taken = alternate(options.repeats, one_run, *single_runs)
    return statistics.median(a / (TOP * sum(rest)) for a, *rest in zip(*taken, strict=True))


def main() -> None:
    """Prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="efficientnet-lite0")
    parser.add_argument("--layer", default="block15_expand_act")
    parser.add_argument("--second-layer", help="also measure two layers in one run")
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
    if options.second_layer:
        print(
            f"{len(METHODS)} methods × 2 layers × top {TOP} in one run: "
            f"{result['together_to_single_runs']:.3f} × the sum of single runs"
        )


if __name__ == "__main__":
    main()
