"""Map time over the time of the bare forward passes of n + 1 images, taken in alternation.

Usage: python -m scripts.bench.engine --model vgg16 --layer block5_conv3 --nsamples 50
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from scripts.machine import machine_facts, shown


def alternate(repeats: int, *works: Callable[[], object]) -> list[list[float]]:
    """Seconds of each piece of work, `repeats` times in turn, after one warm-up of each."""
    for work in works:
        work()
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for seconds, work in zip(taken, works, strict=True):
            begin = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - begin)
    return taken


def forward_passes(model: Any, shape: tuple[int, ...], images: int, batch: int) -> Callable:
    """The bare forward passes of a number of images, in batches of B."""
    import tensorflow as tf

    forward = tf.function(lambda x: model(x, training=False), autograph=False)
    forward = forward.get_concrete_function(tf.TensorSpec([None, *shape], tf.float32))
    x = tf.constant(np.random.default_rng(0).uniform(-1, 1, (batch, *shape)), tf.float32)
    sizes = [batch] * (images // batch) + ([images % batch] if images % batch else [])
    parts = [x[:size] for size in sizes]
    return lambda: [np.asarray(forward(part)) for part in parts]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """One model, layer, n and B."""
    from sgcampp import Explainer, load_model

    weights = "imagenet" if options.model.startswith("efficientnet-lite") else "none"
    classifier = load_model(options.model, weights)
    explainer = Explainer(
        classifier,
        options.layer,
        nsamples=options.nsamples,
        batch_size=options.batch_size,
        frozen=True,
        precision=options.precision,
    )
    shape = classifier.input_shape
    x = np.random.default_rng(1).uniform(-1, 1, (options.images, *shape)).astype(np.float32)
    ensemble = explainer.ensemble(1, shape)
    passes = options.images * (ensemble.passes + 1)
    bare = forward_passes(classifier.model, shape, passes, explainer.batch_size)
    maps, forward = alternate(options.repeats, lambda: explainer(x), bare)
    (seen,) = ensemble.seen.values()
    ratios = [a / b for a, b in zip(maps, forward, strict=True)]
    return {
        "model": options.model,
        "layer": seen.layer,
        "shape": explainer(x[:1]).maps.shape[1:],
        "images": options.images,
        "n": options.nsamples,
        "passes": ensemble.passes + 1,
        "B": explainer.batch_size,
        "precision": options.precision,
        "seconds_a_map": statistics.median(maps) / options.images,
        "ratio_to_forward": statistics.median(ratios),
        "ratios": [round(ratio, 3) for ratio in sorted(ratios)],
    }


def main() -> None:
    """Prints one line of results, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="efficientnet-lite0")
    parser.add_argument("--layer")
    parser.add_argument("--nsamples", type=int, default=50)
    parser.add_argument("--images", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options)
    facts = machine_facts()
    if options.json:
        print(json.dumps({**result, "machine": facts}))
    else:
        print(f"# {shown(facts)}")
        print(
            "{model} {layer} {shape} n={n} B={B} {precision}: {seconds_a_map:.3f} s a map, "
            "{ratio_to_forward:.3f} × its {passes} forward passes {ratios}".format(**result)
        )


if __name__ == "__main__":
    main()
