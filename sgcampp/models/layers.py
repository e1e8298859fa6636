"""Which layers of a model can be explained, which one by default, and which one a name means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import keras
import tensorflow as tf

from sgcampp.errors import UserError, nearest
from sgcampp.models.layer_calls import LayerCall, Shape, watched_layers

# Kinds that move, drop or rescale what an earlier layer found: part of the class's name, or all.
_NEVER_DEFAULT = re.compile(
    "Pool|Dropout|Flatten|Reshape|Pad|Cropping|UpSampling|Identity|InputLayer|Permute|Transpose"
    "|Rescaling|Resizing|CenterCrop|Random|Cast|^Normalization$"
)
NO_DEFAULT = (
    "the model has no layer with a [h, w, K] output larger than 1×1, "
    "so there is nothing to map onto the image"
)


@dataclass(frozen=True)
class LayerInfo:
    """A layer whose output is one tensor [N, h, w, K].

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
    @property
    def shape(self) -> Shape: ...


Entry = TypeVar("Entry", bound=_Addressed)


def list_layers(model: keras.Model, input_shape: Sequence[int | None]) -> list[LayerInfo]:
    """All layers with an output [N, h, w, K], in call order, from one abstract trace.

    Args:
        model: any Keras model.
        input_shape: (H, W, C) of its input; nothing is computed, and None leaves a size open.
    """

    def trace(x: Any) -> Any:
        return model(x, training=False)

    with watched_layers(model) as calls:
        spec = tf.TensorSpec([None, *input_shape], tf.float32)
        tf.function(trace, autograph=False).get_concrete_function(spec)
    return layer_infos(calls)


def layer_infos(calls: Sequence[LayerCall]) -> list[LayerInfo]:
    """What a user is told of the `map_layers`, in call order."""
    default = feature_layers(calls)[-1:]
    return [
        LayerInfo(call.address, call.type, call.shape, default=call in default)
        for call in map_layers(calls)
    ]


def map_layers(calls: Sequence[LayerCall]) -> list[LayerCall]:
    """The calls with an output [N, h, w, K]."""
    return [call for call in calls if _is_map(call.shape)]


def feature_layers(calls: Sequence[LayerCall]) -> list[LayerCall]:
    """The layers with spatial extent that make features, in call order.

    Pooling, dropout, reshaping, padding and the like are passed over, and so is a container that
    returns its inner layer's tensor.
    """
    found, seen = [], set()
    for call in calls:
        if not isinstance(call.tensor, (list, tuple, dict)) and id(call.tensor) not in seen:
            seen.add(id(call.tensor))
            if _is_map(call.shape) and _has_extent(call.shape) and _makes_features(call):
                found.append(call)
    return found


def default_layer(calls: Sequence[LayerCall]) -> LayerCall:
    """The last of the `feature_layers`: VGG-16's block5_conv3.

    Raises:
        UserError: if no layer has an output [N, h, w, K] with h, w > 1.
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
            or its layer's output is not [N, h, w, K] (with its shape).
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
    if not _is_map(found[0].shape):
        shape = ", ".join("?" if size is None else str(size) for size in found[0].shape)
        raise UserError(
            f"layer {name!r} has an output [{shape}] for each image, "
            "only layers with [h, w, K] can be explained"
        )
    return found[0]


def _makes_features(call: LayerCall) -> bool:
    activation = getattr(call.layer, "activation", None)
    if call.type == "Activation" and getattr(activation, "__name__", "") == "linear":
        return False
    return _NEVER_DEFAULT.search(call.type) is None


def _is_map(shape: Shape) -> bool:
    return len(shape) == 3


def _has_extent(shape: Shape) -> bool:
    return all(size is None or size > 1 for size in shape[:2])


def _short_names(address: str) -> set[str]:
    """'outer/inner#2' → 'inner#2', 'inner' and 'outer/inner'."""
    bare = address.rpartition("/")[2]
    return {bare, bare.partition("#")[0], address.partition("#")[0]}
