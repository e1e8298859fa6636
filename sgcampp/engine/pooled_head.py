"""Tells a head of global average pooling and one dense layer from others, by its gradients."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError

POOLED = 1e-4
"""Gradients of a pooled head are alike up to this share of the largest."""
PROBED = 8
"""Classes whose gradients tell what kind of head a model has."""


def probed_classes(count: int) -> NDArray[np.int32]:
    """Some of a model's classes, int32 [at most PROBED], spread over all."""
    return np.unique(np.linspace(0, count - 1, PROBED).astype(np.int32))


def check_pooled_head(name: str, layer: str, affine: bool, g: NDArray[Any]) -> None:
    """Raises UserError unless the head after a layer is global average pooling and a dense layer.

    Args:
        name: of the method that needs it.
        layer: the layer's address.
        affine: whether dS/dA is the same for every image.
        g: [N, h, w, K], dS/dA of N classes; such a head gives each neuron of a map the same.
    """
    uniform = np.ptp(g, axis=(1, 2)).max() <= POOLED * np.abs(g).max()
    if not affine or not uniform:
        raise UserError(
            f"{name} needs a model that ends in global average pooling and one dense layer right "
            f"after layer {layer!r}, and this one does not: choose that layer, or grad_cam, which "
            "works on every model"
        )
