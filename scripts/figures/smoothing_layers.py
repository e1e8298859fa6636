"""Where `layer_name: smoothing` lands in networks of keras.applications, and that it is right.

For each network: the layer that it names, how much noise changes its map there, and at the next
candidate behind it, where it must change nothing. Weights are random, images are noise.

Usage: python -m scripts.figures.smoothing_layers
"""

import argparse
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np

from scripts.machine import machine_facts, shown

SIZES = {
    "VGG16": 64,
    "ResNet50": 64,
    "ResNet50V2": 64,
    "MobileNet": 64,
    "MobileNetV2": 64,
    "MobileNetV3Small": 64,
    "DenseNet121": 64,
    "EfficientNetB0": 64,
    "Xception": 96,
    "ConvNeXtTiny": 64,
}
"""Networks, and the side of their input."""


@dataclass(frozen=True)
class Found:
    """What was found of a network.

    Attributes:
        layer: address of the last layer where noise can change the maps.
        change_there: RMS difference of maps with and without noise, each over its maximum.
        after: address of the next layer behind it that makes features; None: it is the last.
        change_after: the same difference there, with every noised sample run.
    """

    layer: str
    change_there: float
    after: str | None
    change_after: float | None


def check_model(model: Any, shape: tuple[int, int, int], nsamples: int, std_dev: float) -> Found:
    """Explains two images of noise at the smoothing layer, and at the next candidate.

    Args:
        model: a Keras classifier.
        shape: (H, W, C).
        nsamples: n.
        std_dev: of the noise.
    """
    x = np.random.default_rng(1).uniform(0, 255, (2, *shape)).astype(np.float32)
    there, layer = change(model, "smoothing", x, nsamples, std_dev)
    features = feature_addresses(model, shape)
    behind = features[features.index(layer) + 1 :]
    if not behind:
        return Found(layer, there, None, None)
    return Found(layer, there, behind[0], change(model, behind[0], x, nsamples, std_dev)[0])


def random_network(name: str, shape: tuple[int, int, int]) -> Any:
    """A network of random weights, its batch normalisation settled on images of noise.

    Unsettled, signals fade on their way through many layers, and maps are flat.
    """
    import keras

    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, name)(weights=None, input_shape=shape, classes=7)
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(np.random.default_rng(0).uniform(0, 255, (4, *shape)).astype(np.float32), training=True)
    return model


def change(
    model: Any, layer: str, x: np.ndarray, nsamples: int, std_dev: float
) -> tuple[float, str]:
    """RMS difference that noise makes to maps at a layer, each over its maximum; its address."""
    from sgcampp import Explainer

    plain = Explainer(model, layer, nsamples=0, score="logit")(x)
    # Every noised sample is run, also where the engine knows that it can change nothing.
    with mock.patch("sgcampp.engine.discovery.moved_by", lambda x: x.graph.get_operations()):
        smooth = Explainer(
            model, plain.layer_name, nsamples=nsamples, std_dev=std_dev, score="logit"
        )(x)
    assert smooth.nsamples == nsamples
    peaks = [np.maximum(of.maps.max((1, 2), keepdims=True), 1e-30) for of in (plain, smooth)]
    difference = plain.maps / peaks[0] - smooth.maps / peaks[1]
    return float(np.sqrt(np.mean(difference**2))), plain.layer_name


def feature_addresses(model: Any, shape: tuple[int, int, int]) -> list[str]:
    """Addresses of the layers that make features, in call order."""
    import tensorflow as tf

    from sgcampp.models.layers import feature_layers, watched_layers

    with watched_layers(model) as calls:
        traced = tf.function(lambda x: model(x, training=False), autograph=False)
        traced.get_concrete_function(tf.TensorSpec([None, *shape], tf.float32))
    return [call.address for call in feature_layers(calls)]


def main() -> None:
    """Prints a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nsamples", type=int, default=4)
    parser.add_argument("--std-dev", type=float, default=0.3)
    options = parser.parse_args()
    print(f"# {shown(machine_facts())}")
    print("| network | layer `smoothing` | change there | next candidate | change there |")
    print("|---|---|---|---|---|")
    for name, side in SIZES.items():
        shape = (side, side, 3)
        found = check_model(random_network(name, shape), shape, options.nsamples, options.std_dev)
        after = "–" if found.after is None else f"`{found.after}`"
        still = "–" if found.change_after is None else f"{found.change_after:.1g}"
        print(
            f"| {name} | `{found.layer}` | {found.change_there:.1g} | {after} | {still} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
