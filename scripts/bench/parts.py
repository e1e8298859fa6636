"""Where the time of a map goes: each part of a step, in shares of the bare forward pass.

One batch of B samples, parts in alternation, the least of each: the bare forward pass; the engine's
own (weights as constants, the layer tapped); the same with the gradient from score to layer; a
whole map of n = B - 1 samples, noise and averages included.

Usage: python -m scripts.bench.parts --model vgg16 --layer block5_conv3 --batch-size 10
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

from scripts.bench.engine import alternate, forward_passes
from scripts.machine import machine_facts, shown


def tapped_pass(classifier: Any, layer: str, x: Any, with_gradient: bool) -> Callable[[], object]:
    """The engine's own forward pass of a batch, with or without the gradient at the layer."""
    import tensorflow as tf

    from sgcampp.engine.tap import gradients, tap

    def trace(images: Any) -> tuple[Any, ...]:
        tapped = tap(classifier.model, images, (layer,), None, frozen=True)
        S, A = tapped.logits[:, 0], tapped.activations
        slopes = gradients(S, A, tapped.layers) if with_gradient else ()
        # A sum of each, so that little is copied out.
        return tuple(tf.reduce_sum(each) for each in (S, *A, *slopes))

    spec = tf.TensorSpec([None, *classifier.input_shape], tf.float32)
    traced = tf.function(trace, autograph=False).get_concrete_function(spec)
    return lambda: [np.asarray(each) for each in traced(x)]


def whole_map(classifier: Any, layer: str, batch: int) -> Callable[[], object]:
    """One image's map of n = B - 1 samples, in one step."""
    from sgcampp import Explainer

    explain = Explainer(classifier, layer, nsamples=batch - 1, batch_size=batch, frozen=True)
    shape = (1, *classifier.input_shape)
    x = np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)
    return lambda: explain(x)


def main() -> None:
    """Prints a line for each part."""
    import tensorflow as tf

    from sgcampp import load_model

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="efficientnet-lite0")
    parser.add_argument("--layer", required=True)
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    weights = "imagenet" if options.model.startswith("efficientnet-lite") else "none"
    classifier = load_model(options.model, weights)
    batch, shape = options.batch_size, classifier.input_shape
    x = tf.random.stateless_uniform([batch, *shape], [0, 0], -1.0, 1.0)
    works = {
        "bare forward pass": forward_passes(classifier.model, shape, batch, batch),
        "its own forward pass": tapped_pass(classifier, options.layer, x, False),
        "… and the gradient": tapped_pass(classifier, options.layer, x, True),
        "the whole map": whole_map(classifier, options.layer, batch),
    }
    taken = alternate(options.repeats, *works.values())
    print(f"# {shown(machine_facts())}")
    print(f"# {options.model} {options.layer} B={batch}: {min(taken[0]):.3f} s a bare forward pass")
    for name, seconds in zip(works, taken, strict=True):
        print(f"{name:24} {min(seconds) / min(taken[0]):.3f}")


if __name__ == "__main__":
    main()
