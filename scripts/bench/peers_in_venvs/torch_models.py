"""The networks of keras.applications in plain torch, weights random.

They repeat Keras' own variants to the number of weights (ResNet-50 with its strides in the first
1×1 convolutions and with biases), so that torch's libraries and sgcampp run the same network, and
torchvision, which ties torch to a build for CUDA, is not needed.
"""
# mypy: disable-error-code="import-not-found"

import os
from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from torch import nn

LAYERS = {
    "block5_conv3": "block5_conv3",
    "conv5_block3_out": "conv5_block3_out",
    "block_13_expand_relu": "block_13.expand_relu",
}
"""Names here by names in Keras; each ends behind the activation."""


def build(settings: dict[str, Any]) -> tuple[Any, Any]:
    """The network, ready to explain, and the layer asked for."""
    torch.set_num_threads(settings["threads"])
    torch.manual_seed(0)
    network = NETWORKS[settings["model"]]().eval()
    network.apply(_initialise)
    layer = dict(network.named_modules())[LAYERS[settings["layer"]]]
    if settings["channels_last"]:
        network = network.to(memory_format=torch.channels_last)
    return network, layer


def tensors(images: dict[str, np.ndarray], channels_last: bool) -> dict[str, Any]:
    """Images as torch takes them, [N, 3, H, W]."""
    order = torch.channels_last if channels_last else torch.contiguous_format
    return {
        item: torch.from_numpy(x.transpose(0, 3, 1, 2).copy()).contiguous(memory_format=order)
        for item, x in images.items()
    }


def facts(network: Any) -> dict[str, Any]:
    """The number of weights, the version of torch and its threads."""
    state = network.state_dict().values()
    return {
        "weights": sum(value.numel() for value in state if value.is_floating_point()),
        "versions": {"torch": torch.__version__},
        "threads": torch.get_num_threads(),
        "omp_threads": os.environ.get("OMP_NUM_THREADS"),
    }


def vgg16() -> Any:
    """VGG-16."""
    parts: list[tuple[str, Any]] = []
    channels = 3
    for block, (filters, convolutions) in enumerate(
        ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), start=1
    ):
        for at in range(1, convolutions + 1):
            name = f"block{block}_conv{at}"
            parts.append((f"{name}_linear", nn.Conv2d(channels, filters, 3, padding=1)))
            parts.append((name, nn.ReLU(inplace=True)))
            channels = filters
        parts.append((f"block{block}_pool", nn.MaxPool2d(2)))
    parts.append(("flatten", nn.Flatten()))
    for name, inputs, units in (("fc1", 512 * 7 * 7, 4096), ("fc2", 4096, 4096)):
        parts += [(name, nn.Linear(inputs, units)), (f"{name}_relu", nn.ReLU(inplace=True))]
    return nn.Sequential(OrderedDict([*parts, ("predictions", nn.Linear(4096, 1000))]))


class Bottleneck(nn.Module):
    """One residual block of ResNet-50."""

    def __init__(self, inputs: int, filters: int, stride: int, projected: bool) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, filters, 1, stride),
            nn.BatchNorm2d(filters, 1.001e-5),
            nn.ReLU(inplace=True),
            nn.Conv2d(filters, filters, 3, padding=1),
            nn.BatchNorm2d(filters, 1.001e-5),
            nn.ReLU(inplace=True),
            nn.Conv2d(filters, 4 * filters, 1),
            nn.BatchNorm2d(4 * filters, 1.001e-5),
        )
        self.shortcut = nn.Identity()
        if projected:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, 4 * filters, 1, stride), nn.BatchNorm2d(4 * filters, 1.001e-5)
            )
        self.out = nn.ReLU(inplace=True)

    def forward(self, x: Any) -> Any:
        """The block's output."""
        return self.out(self.residual(x) + self.shortcut(x))


def resnet50() -> Any:
    """ResNet-50."""
    parts: list[tuple[str, Any]] = [
        ("conv1_conv", nn.Conv2d(3, 64, 7, 2, padding=3)),
        ("conv1_bn", nn.BatchNorm2d(64, 1.001e-5)),
        ("conv1_relu", nn.ReLU(inplace=True)),
        ("pool1_pool", nn.MaxPool2d(3, 2, padding=1)),
    ]
    channels = 64
    for stack, (filters, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=2):
        for at in range(1, blocks + 1):
            stride = 2 if stack > 2 and at == 1 else 1
            block = Bottleneck(channels, filters, stride, projected=at == 1)
            parts.append((f"conv{stack}_block{at}_out", block))
            channels = 4 * filters
    parts += [("avg_pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten())]
    return nn.Sequential(OrderedDict([*parts, ("predictions", nn.Linear(2048, 1000))]))


class InvertedResidual(nn.Module):
    """One block of MobileNetV2."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand_relu = nn.ReLU6(inplace=True)
        self.expand: Any = None
        if expansion > 1:
            self.expand = nn.Sequential(
                nn.Conv2d(inputs, wide, 1, bias=False), nn.BatchNorm2d(wide, 1e-3)
            )
        self.project = nn.Sequential(
            nn.Conv2d(wide, wide, 3, stride, padding=1, groups=wide, bias=False),
            nn.BatchNorm2d(wide, 1e-3),
            nn.ReLU6(inplace=True),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs, 1e-3),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Any) -> Any:
        """The block's output."""
        wide = x if self.expand is None else self.expand_relu(self.expand(x))
        projected = self.project(wide)
        return x + projected if self.residual else projected


def mobilenetv2() -> Any:
    """MobileNetV2."""
    parts: list[tuple[str, Any]] = [
        ("Conv1", nn.Conv2d(3, 32, 3, 2, padding=1, bias=False)),
        ("bn_Conv1", nn.BatchNorm2d(32, 1e-3)),
        ("Conv1_relu", nn.ReLU6(inplace=True)),
    ]
    channels, number = 32, 0
    stages = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1))
    for expansion, outputs, blocks, stride in (*stages, (6, 160, 3, 2), (6, 320, 1, 1)):
        for at in range(blocks):
            block = InvertedResidual(channels, outputs, 1 if at else stride, expansion)
            parts.append((f"block_{number}", block))
            channels, number = outputs, number + 1
    parts += [
        ("Conv_1", nn.Conv2d(320, 1280, 1, bias=False)),
        ("Conv_1_bn", nn.BatchNorm2d(1280, 1e-3)),
        ("out_relu", nn.ReLU6(inplace=True)),
        ("global_average_pooling2d", nn.AdaptiveAvgPool2d(1)),
        ("flatten", nn.Flatten()),
    ]
    return nn.Sequential(OrderedDict([*parts, ("predictions", nn.Linear(1280, 1000))]))


NETWORKS = {"vgg16": vgg16, "resnet50": resnet50, "mobilenetv2": mobilenetv2}


def _initialise(module: Any) -> None:
    """He's initialisation, which keeps activations and gradients at a usual size."""
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
