"""How far the paper's closed 2nd and 3rd derivatives lead away from the true ones, by activation.

Toy networks: conv-ReLU `features` 8×8×6, conv, the activation, average pooling, two dense layers
with the activation between them; weights are random. RMS difference of the maps with
`derivatives: closed` and `exact`, each over its maximum, median and worst of images and networks;
and the time of exact ones over that of closed ones.

Usage: python -m scripts.figures.derivatives
"""

import argparse
import statistics
from collections.abc import Iterator
from typing import Any

import numpy as np

from scripts.bench.engine import alternate
from scripts.machine import machine_facts, shown

ACTIVATIONS = ("relu", "elu", "softplus", "silu", "gelu", "sigmoid", "tanh")
SHAPE = (8, 8, 3)


def network(activation: str, seed: int, scale: float) -> Any:
    """A toy network; `scale` multiplies the weights behind `features`."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    spread = keras.initializers.VarianceScaling(2 * scale**2)
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(6, 3, padding="same", activation="relu", name="features"),
            layers.Conv2D(6, 3, padding="same", kernel_initializer=spread, activation=activation),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(16, kernel_initializer=spread, activation=activation),
            layers.Dense(5, kernel_initializer=spread, activation="softmax"),
        ]
    )


def differences(activation: str, nsamples: int, options: argparse.Namespace) -> Iterator[float]:
    """RMS difference of the two forms' maps, for each network and image."""
    from sgcampp import Explainer

    x = np.random.default_rng(0).normal(0, 1, (options.images, *SHAPE)).astype(np.float32)
    for seed in range(options.networks):
        model = network(activation, seed, options.scale)
        closed, exact = (
            Explainer(model, "features", nsamples=nsamples, std_dev=0.15, derivatives=form)(x).maps
            for form in ("closed", "exact")
        )
        for one, other in zip(closed, exact, strict=True):
            if one.any() and other.any():
                yield float(np.sqrt(np.mean((one / one.max() - other / other.max()) ** 2)))


def cost(nsamples: int, options: argparse.Namespace) -> tuple[float, int]:
    """Time of exact maps over that of closed ones, and the neurons of the layer."""
    from sgcampp import Explainer

    model = network("tanh", 0, options.scale)
    x = np.random.default_rng(0).normal(0, 1, (options.images, *SHAPE)).astype(np.float32)
    explainers = [
        Explainer(model, "features", nsamples=nsamples, derivatives=form)
        for form in ("closed", "exact")
    ]
    closed, exact = alternate(3, *(lambda explain=each: explain(x) for each in explainers))
    neurons = int(np.prod(model.get_layer("features").output.shape[1:]))
    return statistics.median(b / a for a, b in zip(closed, exact, strict=True)), neurons


def main() -> None:
    """Prints a line for each activation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=4)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--nsamples", type=int, default=25)
    options = parser.parse_args()
    print(f"# {shown(machine_facts())}")
    print(f"| activation | n = 0 | worst | n = {options.nsamples} | worst |")
    print("|---|---|---|---|---|")
    for activation in ACTIVATIONS:
        cells = []
        for nsamples in (0, options.nsamples):
            found = list(differences(activation, nsamples, options))
            cells += [f"{statistics.median(found):.3f}", f"{max(found):.3f}"]
        print(f"| {activation} | {' | '.join(cells)} |", flush=True)
    times, neurons = cost(options.nsamples, options)
    print(f"exact, {neurons} neurons: {times:.0f} × the time of closed, n = {options.nsamples}")


if __name__ == "__main__":
    main()
