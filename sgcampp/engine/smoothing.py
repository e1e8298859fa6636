"""The layers of a model where noise can change maps: those behind which the head is not affine."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from sgcampp.engine.graph_reading import moved_by
from sgcampp.engine.tap import tap
from sgcampp.errors import UserError
from sgcampp.explain.looks import SMOOTHING
from sgcampp.models.layer_calls import LayerCall
from sgcampp.models.layers import (
    NO_DEFAULT,
    LayerInfo,
    feature_layers,
    layer_infos,
    map_layers,
    told_batch,
)
from sgcampp.models.spatial import Reading

NOWHERE = (
    "layer smoothing is the last one where noise can change the maps, and this model has none: its "
    "class scores are affine in each of its layers; choose a layer by name, or leave it out"
)


@dataclass(frozen=True)
class MarkedLayer:
    """A layer, and whether smoothing acts there.

    Attributes:
        layer: the layer.
        acts: whether noise can change its maps.
        last: whether it is what SMOOTHING stands for.
    """

    layer: LayerInfo
    acts: bool
    last: bool


def smoothing_layer(calls: Sequence[LayerCall], S: tf.Tensor, images: tf.Tensor) -> LayerCall:
    """The last layer that makes features (see `feature_layers`) where noise can change the maps.

    A layer that has the very name SMOOTHING is meant itself.

    Args:
        calls: of a trace.
        S: its class scores.
        images: what it was made for.

    Raises:
        UserError: if there is none.
    """
    features = feature_layers(calls)
    if not features:
        raise UserError(NO_DEFAULT)
    own = (call for call in calls if call.address == SMOOTHING)
    acting = (call for call in reversed(features) if _acts(S, [call], images))
    found = next(own, None) or next(acting, None)
    if found is None:
        raise UserError(NOWHERE)
    return found


def marked_layers(
    model: keras.Model,
    input_shape: Sequence[int],
    output_name: str | None = None,
    tokens: tuple[int, int] | None = None,
) -> list[MarkedLayer]:
    """All layers that can be explained, in call order, and where smoothing acts, from one trace.

    Args:
        model: any Keras classifier.
        input_shape: (H, W, C).
        output_name: which of several outputs.
        tokens: (h, w), how the patches of tokens lie; None: told by their number.

    Raises:
        UserError: for an output that can't be explained.
    """
    found: list[list[MarkedLayer]] = []

    def trace(images: tf.Tensor) -> tf.Tensor:
        tapped = tap(model, images, (), output_name, reading=reading)
        maps = map_layers(tapped.calls)
        acting = _acts(tapped.logits, maps, images)
        last = [call for call in feature_layers(tapped.calls) if call in acting][-1:]
        found.append(
            [
                MarkedLayer(info, call in acting, call in last)
                for info, call in zip(layer_infos(tapped.calls), maps, strict=True)
            ]
        )
        return tapped.logits

    rows = told_batch(model)
    reading = Reading((input_shape[0], input_shape[1]), rows, tokens)
    spec = tf.TensorSpec([rows, *input_shape], tf.float32)
    tf.function(trace, autograph=False).get_concrete_function(spec)
    return found[-1]


def _acts(S: tf.Tensor, calls: Sequence[LayerCall], images: tf.Tensor) -> list[LayerCall]:
    """The layers whose dS/dA, and with it their maps, can change with the images."""
    found = tf.gradients(S, [call.maps for call in calls]) if calls else []
    found = [None if g is None else tf.convert_to_tensor(g) for g in found]
    moved = moved_by(images)
    return [call for call, g in zip(calls, found, strict=True) if g is not None and g.op in moved]
