"""Drop, increase, gain, insertion, deletion and MuFidelity by xplique, one image a call.

It computes in float32. In an environment of its own (pip install xplique==2.0.2), from the
repository's root: python scripts/oracles/from_xplique.py > tests/metrics/oracles/xplique.json
"""
# mypy: disable-error-code="import-not-found"

from typing import Any

import inputs
import numpy as np
import tensorflow as tf
from xplique.metrics import (
    AverageDropMetric,
    AverageGainMetric,
    AverageIncreaseMetric,
    Deletion,
    Insertion,
    MuFidelity,
)


class FixedSubsets(MuFidelity):
    """With our sets of cells in place of random ones."""

    def _perturb_samples(self, inputs_: Any, nb_perturbations: int) -> tuple[Any, Any]:
        assert nb_perturbations == inputs.SUBSETS
        kept = tf.cast(~inputs.subsets()[..., None], tf.float32)
        size = (inputs.SIDE, inputs.SIDE)
        kept = tf.image.resize(kept, size, method="nearest")[tf.newaxis]
        return tf.reshape(inputs_[:, tf.newaxis] * kept, (-1, *size, inputs.CHANNELS)), kept


def main() -> None:
    """Prints the values."""
    model = tf.keras.Sequential(
        [
            tf.keras.Input((inputs.SIDE, inputs.SIDE, inputs.CHANNELS)),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(inputs.CLASSES, use_bias=False, activation="softmax"),
        ]
    )
    model.layers[-1].set_weights([inputs.weights().astype(np.float32)])
    found: dict[str, list[float]] = {}
    for image, saliency, c in zip(inputs.images(), inputs.maps(), inputs.classes(), strict=True):
        pixels = image[None].astype(np.float32)
        target = np.eye(inputs.CLASSES, dtype=np.float32)[[c]]
        metrics = {
            "average_drop": AverageDropMetric(model, pixels, target),
            "average_increase": AverageIncreaseMetric(model, pixels, target),
            "average_gain": AverageGainMetric(model, pixels, target),
            "insertion": Insertion(model, pixels, target, steps=inputs.STEPS),
            "deletion": Deletion(model, pixels, target, steps=inputs.STEPS),
            "mu_fidelity": FixedSubsets(
                model, pixels, target, grid_size=inputs.GRID, nb_samples=inputs.SUBSETS
            ),
        }
        for name, metric in metrics.items():
            value = metric.evaluate(saliency[None].astype(np.float32))
            found.setdefault(name, []).append(float(value))
    inputs.write("xplique", found)


if __name__ == "__main__":
    main()
