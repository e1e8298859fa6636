"""DeepLIFT (Rescale) and integrated gradients with baselines by captum.

No activation stands right before or after the networks' pool: there captum's own contributions
do not add up (its convergence delta says so), and here they must.

In an environment of its own (pip install torch==2.13.0 captum==0.9.0), from the repository's
root: python scripts/oracles/attributions_from_captum.py > tests/explain/oracles/attributions.json
"""
# mypy: disable-error-code="import-not-found"

from typing import Any

import inputs
import networks
import numpy as np
import torch
from captum.attr import DeepLift, IntegratedGradients

STEPS = 40
COMPLETE = 1e-9
MODULES = {
    "relu": torch.nn.ReLU,
    "leaky_relu": lambda: torch.nn.LeakyReLU(networks.LEAK),
    "elu": torch.nn.ELU,
    "sigmoid": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "softplus": torch.nn.Softplus,
}


class Rows(torch.nn.Module):
    """Flattens in TensorFlow's order: rows, columns, feature maps."""

    def forward(self, x: Any) -> Any:
        """[N, K, h, w] -> [N, h w K]."""
        return x.permute(0, 2, 3, 1).flatten(1)


def network(activation: str) -> Any:
    """The network of an activation, in float64."""
    w, make = networks.weights(), MODULES[activation]
    layers = [
        _conv(w.k1, w.b1, "same"),
        torch.nn.MaxPool2d(2),
        _conv(w.k2, w.b2, "valid"),
        make(),
        Rows(),
        _dense(w.w1, w.c1),
        make(),
        _dense(w.w2, w.c2),
    ]
    return torch.nn.Sequential(*layers).double()


def main() -> None:
    """Prints attributions [image][row][column], summed over the channels, by network."""
    images = _channels_first(networks.images())
    baseline = _channels_first(networks.baseline()[None])
    found: dict[str, Any] = {}
    for activation in networks.ACTIVATIONS:
        model = network(activation)
        settings = {"baselines": baseline, "target": networks.classes()}
        lifted, missed = DeepLift(model).attribute(
            images, return_convergence_delta=True, **settings
        )
        if missed.abs().max() > COMPLETE:
            raise ValueError(f"captum misses {missed} of the scores of {activation}")
        integrated = IntegratedGradients(model).attribute(
            images, n_steps=STEPS, method="riemann_middle", **settings
        )
        found[activation] = {
            "scores": _rounded(model(images)),
            "deep_lift": _rounded(lifted.sum(1)),
            "integrated_gradients": _rounded(integrated.sum(1)),
        }
    inputs.write("captum", {"steps": STEPS, **found})


def _conv(kernel: Any, bias: Any, padding: str) -> Any:
    height, width, before, after = kernel.shape
    layer = torch.nn.Conv2d(before, after, (height, width), padding=padding)
    return _with(layer, kernel.transpose(3, 2, 0, 1), bias)


def _dense(weight: Any, bias: Any) -> Any:
    return _with(torch.nn.Linear(*weight.shape), weight.T, bias)


def _with(layer: Any, weight: Any, bias: Any) -> Any:
    layer.weight = torch.nn.Parameter(torch.tensor(np.ascontiguousarray(weight)))
    layer.bias = torch.nn.Parameter(torch.tensor(bias))
    return layer


def _rounded(values: Any) -> Any:
    return np.round(values.detach().numpy(), 9)


def _channels_first(images: Any) -> Any:
    return torch.tensor(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


if __name__ == "__main__":
    main()
