"""Which layers of a model can be explained, which one by default, and which one a name means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import keras
import tensorflow as tf

from sgcampp.errors import UserError, nearest
from sgcampp.models.layer_calls import LayerCall, watched_layers
from sgcampp.models.spatial import Reading, Shape, bare_name

# Kinds that move, drop or rescale what an earlier layer found: part of the class's name, or all.
_NEVER_DEFAULT = re.compile(
    "Pool|Dropout|Flatten|Reshape|Pad|Cropping|UpSampling|Identity|InputLayer|Permute|Transpose"
    "|Rescaling|Resizing|CenterCrop|Random|Cast|^Normalization$|DropPath|StochasticDepth"
)
_ATTENTION = re.compile("Attention")
TOLD = 2
NO_DEFAULT = (
    "the model has no layer with a [h, w, K] output larger than 1×1, "
    "so there is nothing to map onto the image"
)
ACCEPTED = "only layers with [h, w, K], or tokens [T, K] with T = h·w or h·w + 1, can be explained"


@dataclass(frozen=True)
class LayerInfo:
    """A layer whose output lies over the image: [N, h, w, K], [N, K, h, w] or tokens [N, T, K].

    Attributes:
        address: what a user may call it.
        type: name of its class.
        shape: (h, w, K); None where the model leaves a size open.
        default: whether it is the one that is explained unless another is named.
    """

    address: str
    type: str
    shape: Shape
    default: bool = False


class _Addressed(Protocol):
    @property
    def address(self) -> str: ...


Entry = TypeVar("Entry", bound=_Addressed)


def list_layers(
    model: keras.Model,
    input_shape: Sequence[int | None],
    tokens: tuple[int, int] | None = None,
) -> list[LayerInfo]:
    """All layers that lie over the image, in call order, from one abstract trace.

    Args:
        model: any Keras model.
        input_shape: (H, W, C) of its input; nothing is computed, and None leaves a size open.
        tokens: (h, w), how the patches of tokens lie; None: told by their number.
    """

    def trace(x: Any) -> Any:
        return model(x, training=False)

    rows = told_batch(model)
    reading = Reading((input_shape[0], input_shape[1]), rows, tokens)
    with watched_layers(model, reading) as calls:
        spec = tf.TensorSpec([rows, *input_shape], tf.float32)
        tf.function(trace, autograph=False).get_concrete_function(spec)
    return layer_infos(calls)


def told_batch(model: keras.Model) -> int:
    """Images in a trace that shall tell windows of images from images: 2, or the model's own."""
    inputs = getattr(model, "inputs", None)
    return (inputs[0].shape[0] if inputs else None) or TOLD


def layer_infos(calls: Sequence[LayerCall]) -> list[LayerInfo]:
    """What a user is told of the `map_layers`, in call order."""
    default = feature_layers(calls)[-1:]
    return [
        LayerInfo(call.address, call.type, call.shape, default=call in default)
        for call in map_layers(calls)
    ]


def map_layers(calls: Sequence[LayerCall]) -> list[LayerCall]:
    """The calls whose output lies over the image."""
    return [call for call in calls if call.layout]


def feature_layers(calls: Sequence[LayerCall]) -> list[LayerCall]:
    """The layers with spatial extent that make features, in call order.

    Pooling, dropout, reshaping, padding and the like are passed over, and so is a container that
    returns its inner layer's tensor. Where tokens have a class token among them, only the layers
    before the last attention count: behind it a score stands on the class token alone.
    """
    features = _features(calls)
    attentions = [i for i, call in enumerate(calls) if _ATTENTION.search(call.type)]
    if features and features[-1].layout and features[-1].layout.extra and attentions:
        last = calls[attentions[-1]]
        inside = last.address.partition("#")[0] + "/"
        before = [c for c in calls[: attentions[-1]] if not c.address.startswith(inside)]
        return _features(before) or features
    return features


def default_layer(calls: Sequence[LayerCall]) -> LayerCall:
    """The last of the `feature_layers`: VGG-16's block5_conv3.

    Raises:
        UserError: if no layer lies over the image with h, w > 1.
    """
    features = feature_layers(calls)
    if not features:
        raise UserError(NO_DEFAULT)
    return features[-1]


def resolve_layer(entries: Sequence[Entry], name: str) -> Entry:
    """Finds the layer that a user names.

    Args:
        entries: calls of a trace, or what `list_layers` returned.
        name: an address as listed, or a bare layer name where only one layer has it.

    Raises:
        UserError: if the name is unknown (with the nearest names), ambiguous (with the addresses),
            or its layer's output does not lie over the image (with its shape).
    """
    found = [entry for entry in entries if entry.address == name]
    found = found or [entry for entry in entries if name in _short_names(entry.address)]
    if not found:
        known = (n for entry in entries for n in (entry.address, *_short_names(entry.address)))
        raise UserError(
            f"the model has no layer {name!r}{nearest(name, known)} (`sgcampp layers` lists them)"
        )
    if len(found) > 1:
        addresses = ", ".join(entry.address for entry in found)
        raise UserError(f"layer {name!r} is ambiguous, choose one of {addresses}")
    if isinstance(found[0], LayerCall) and found[0].layout is None:
        raise UserError(_why_not(found[0], name))
    return found[0]


def _why_not(call: LayerCall, name: str) -> str:
    shape = ", ".join("?" if size is None else str(size) for size in call.shape)
    if len(call.shape) in {2, 3} and (call.full_shape[0] or 0) > TOLD:
        return (
            f"layer {name!r} holds windows [{shape}] that images are cut into: choose a layer "
            "behind their joining"
        )
    output = f"layer {name!r} has an output [{shape}] for each image"
    if len(call.shape) == 4:
        return f"{output}, as volumes and films have: {ACCEPTED}"
    if len(call.shape) == 2:
        return f"{output}, and nothing tells how these tokens lie: give tokens as h,w; {ACCEPTED}"
    return f"{output}: {ACCEPTED}"


def _features(calls: Sequence[LayerCall]) -> list[LayerCall]:
    found, seen = [], set()
    for call in calls:
        if call.layout and id(call.tensor) not in seen:
            seen.add(id(call.tensor))
            if _has_extent(call.shape) and _makes_features(call):
                found.append(call)
    return found


def _makes_features(call: LayerCall) -> bool:
    activation = getattr(call.layer, "activation", None)
    if call.type == "Activation" and getattr(activation, "__name__", "") == "linear":
        return False
    return _NEVER_DEFAULT.search(call.type) is None


def _has_extent(shape: Shape) -> bool:
    return all(size is None or size > 1 for size in shape[:2])


def _short_names(address: str) -> set[str]:
    """'outer/inner#2' → 'inner#2', 'inner' and 'outer/inner'."""
    return {address.rpartition("/")[2], bare_name(address), address.partition("#")[0]}
