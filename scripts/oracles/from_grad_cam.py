"""ROAD without noise by pytorch-grad-cam, one image a call: it scores only a batch's first.

In an environment of its own (pip install torch==2.13.0 grad-cam==1.5.7), from the repository's
root: python scripts/oracles/from_grad_cam.py > tests/metrics/oracles/grad_cam.json
"""
# mypy: disable-error-code="import-not-found"

import sys
from unittest.mock import MagicMock

import inputs
import numpy as np
import torch

for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional"):
    # The package imports it, ROAD needs nothing of it, and its builds are tied to torch's.
    sys.modules[name] = MagicMock()

from pytorch_grad_cam.metrics import road  # noqa: E402
from pytorch_grad_cam.metrics.perturbation_confidence import (  # noqa: E402
    RemoveLeastRelevantFirst,
    RemoveMostRelevantFirst,
)


def main() -> None:
    """Prints the values."""
    imputer = road.NoisyLinearImputer(noise=0)
    found: dict[str, list[list[float]]] = {"road_morf_curve": [], "road_lerf_curve": []}
    for image, saliency, c in zip(inputs.images(), inputs.maps(), inputs.classes(), strict=True):
        pixels = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32))
        for name, remove in (
            ("road_morf_curve", RemoveMostRelevantFirst),
            ("road_lerf_curve", RemoveLeastRelevantFirst),
        ):
            imputed = [
                remove(100 - share, imputer)(pixels, torch.from_numpy(saliency)).numpy()
                for share in range(10, 100, 10)
            ]
            stack = np.array(imputed, np.float64).transpose(0, 2, 3, 1)
            found[name].append(list(inputs.probabilities(stack, c)))
    every_third = inputs.maps()[0].ravel() * 128 % 3 != 0
    known = torch.from_numpy(every_third.reshape(inputs.SIDE, -1).astype(np.float32))
    pixels = torch.from_numpy(inputs.images()[0].transpose(2, 0, 1).astype(np.float32))
    imputed = imputer(pixels, known).numpy().transpose(1, 2, 0)
    inputs.write("grad-cam", {**found, "imputed": imputed})


if __name__ == "__main__":
    main()
