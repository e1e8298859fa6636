"""The drop family, insertion and deletion by torchcam, whose extractor is a stub with our maps.

In an environment of its own (pip install torch==2.13.0 torchcam==0.5.0), from the repository's
root: python scripts/oracles/from_torchcam.py > tests/metrics/oracles/torchcam.json
"""
# mypy: disable-error-code="import-not-found"

from contextlib import nullcontext
from functools import partial
from typing import Any

import inputs
import torch
from torchcam.metrics import ClassificationMetric, DeletionInsertionMetric


class Stub:
    """An extractor that gives the map it was made with."""

    def __init__(self, saliency: Any) -> None:
        self.saliency = torch.from_numpy(saliency)[None]
        # The weights' rows are (row, column, channel); torch's images put the channel first.
        weights = torch.from_numpy(inputs.weights())
        self.model = torch.nn.Sequential(
            Channels(), torch.nn.Flatten(), torch.nn.Linear(len(weights), 4, bias=False).double()
        )
        self.model[2].weight.data = weights.T.contiguous()

    def __call__(self, *_: Any, **__: Any) -> list[Any]:
        """The maps of one layer."""
        return [self.saliency]

    def fuse_cams(self, cams: list[Any]) -> Any:
        """The only map."""
        return cams[0]

    def _hooks_off(self) -> Any:
        return nullcontext()


class Channels(torch.nn.Module):
    """Puts the channel last."""

    def forward(self, x: Any) -> Any:
        """[N, C, H, W] to [N, H, W, C]."""
        return x.permute(0, 2, 3, 1)


def main() -> None:
    """Prints the values."""
    found: dict[str, list[float]] = {
        name: [] for name in ("average_drop", "average_increase", "insertion", "deletion")
    }
    maps = inputs.maps()
    softmax = partial(torch.softmax, dim=-1)
    for image, saliency, c in zip(inputs.images(), maps, inputs.classes(), strict=True):
        pixels = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
        unit = (saliency - saliency.min()) / (saliency.max() - saliency.min())
        drop = ClassificationMetric(Stub(unit), softmax)
        drop.update(pixels, c)
        curves = DeletionInsertionMetric(Stub(unit), softmax, steps=inputs.STEPS)
        curves.update(pixels, c)
        found["average_drop"].append(drop.summary()["avg_drop"])
        found["average_increase"].append(drop.summary()["conf_increase"])
        found["insertion"].append(curves.summary()["insertion_auc"])
        found["deletion"].append(curves.summary()["deletion_auc"])
    inputs.write("torchcam", found)


if __name__ == "__main__":
    main()
