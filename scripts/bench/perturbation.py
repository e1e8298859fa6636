"""Bare forward passes over methods that perturb, for as many inputs, taken in alternation.

Usage: python -m scripts.bench.perturbation --model efficientnet-lite0 --perturbations 200

1 would mean that masks, fills and what is made of the scores cost nothing.
"""

import argparse
import json
import statistics
from typing import Any

import numpy as np

from scripts.bench.engine import alternate, forward_passes
from scripts.machine import machine_facts, shown

METHODS = ("occlusion", "rise", "score_cam", "lime", "prediction_difference")


def random_images(count: int, shape: tuple[int, ...]) -> Any:
    """Float32 [count, *shape], -1…1."""
    return np.random.default_rng(1).uniform(-1, 1, (count, *shape)).astype(np.float32)


def measure(options: argparse.Namespace, classifier: Any, method: str) -> dict[str, Any]:
    """One method."""
    from sgcampp import Explainer

    filters = list(range(options.perturbations)) if method == "score_cam" else None
    count = {"rise": options.perturbations, "lime": options.perturbations}
    count["prediction_difference"] = 2  # of each window
    given = {"perturbations": count[method]} if method in count else {}
    explainer = Explainer(
        classifier,
        options.layer,
        method,
        batch_size=options.batch_size,
        frozen=options.frozen,
        precision=options.precision,
        filters=filters,
        window=options.window,
        examples=random_images(options.fit_images, classifier.input_shape),
        fit_images=options.fit_images,
        **given,
    )
    shape = classifier.input_shape
    x = random_images(options.images, shape)
    passes = options.images * (explainer.ensemble(1, shape).passes + 1)
    bare = forward_passes(classifier.model, shape, passes, options.batch_size)
    maps, forward = alternate(options.repeats, lambda: explainer(x), bare)
    ratios = sorted(b / a for a, b in zip(maps, forward, strict=True))
    return {
        "method": method,
        "passes": passes,
        "seconds": statistics.median(maps),
        "ratio": statistics.median(ratios),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }


def main() -> None:
    """Prints a line for each method, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="efficientnet-lite0")
    parser.add_argument("--layer")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--perturbations", type=int, default=200)
    parser.add_argument("--window", type=int, help="default: an eighth of the shorter side")
    parser.add_argument("--images", type=int, default=1)
    parser.add_argument("--fit-images", type=int, default=4, help="once, outside of the times")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--frozen", action="store_true", help="as runs of many passes do")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    from sgcampp import load_model

    weights = "imagenet" if options.model.startswith("efficientnet-lite") else "none"
    classifier = load_model(options.model, weights)
    results = [measure(options, classifier, method) for method in options.methods.split(",")]
    facts = machine_facts()
    if options.json:
        print(json.dumps({"model": options.model, "results": results, "machine": facts}))
        return
    print(f"# {shown(facts)}")
    for result in results:
        print(
            "{method}: {passes} passes in {seconds:.2f} s, forward passes ÷ all "
            "{ratio:.3f} {ratios}".format(**result)
        )


if __name__ == "__main__":
    main()
