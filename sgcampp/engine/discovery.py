"""What one trace of a model tells of it, before anything is run: its classes, and its layers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from sgcampp.engine.propagation import propagating
from sgcampp.engine.tap import Tapped, gradients, tap
from sgcampp.explain.looks import INPUT, Where

SHAPE_ONLY = {"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike", "BroadcastGradientArgs"}


@dataclass(frozen=True)
class Spot:
    """A layer, or the model's input, as the trace passed it.

    Attributes:
        address: of the layer, or `input`.
        shape: (h, w, K).
        affine: whether dS/dA is the same for every image: the head after it is affine.
    """

    address: str
    shape: tuple[int, int, int]
    affine: bool


@dataclass(frozen=True)
class Discovery:
    """What the trace told.

    Attributes:
        class_count: C.
        spots: by where it was looked.
    """

    class_count: int
    spots: Mapping[Where, Spot]


def discover(
    model: "keras.Model",
    input_shape: Sequence[int],
    places: Iterable[Where],
    rule: str = "plain",
    output_name: str | None = None,
) -> Discovery:
    """Traces a model once and looks at it; nothing is computed.

    Args:
        model: any Keras classifier; it is not changed.
        input_shape: (H, W, C).
        places: where to look.
        rule: how gradients pass a ReLU, see `propagation.propagating`.
        output_name: which of several outputs.

    Raises:
        UserError: for a layer or output that does not exist or can't be explained, a layer that
            the scores do not depend on, or a rule that changes nothing in this model.
    """
    found: list[Discovery] = []
    chosen = tuple(dict.fromkeys(places))

    def trace(images: tf.Tensor, class_idx: tf.Tensor) -> tf.Tensor:
        with propagating(rule):
            tapped = tap(model, images, layer_names(chosen), output_name)
        S = tf.gather(tapped.logits, class_idx, axis=-1)
        spots = dict(zip(chosen, _spots(chosen, tapped, images, S), strict=True))
        found.append(Discovery(tapped.logits.shape[-1], spots))
        return S

    images = tf.TensorSpec([None, *input_shape], tf.float32)
    traced = tf.function(trace, autograph=False)
    traced.get_concrete_function(images, tf.TensorSpec([], tf.int32))
    return found[-1]


def layer_names(places: Iterable[Where]) -> tuple[str | None, ...]:
    """The layers among places, each once."""
    return tuple(dict.fromkeys(place.layer_name for place in places if not place.pixels))


def tapped_tensors(
    places: Sequence[Where], tapped: Tapped, images: tf.Tensor
) -> tuple[list[tf.Tensor], list[str]]:
    """For each place its tensor in a trace, and its address."""
    names = layer_names(places)
    at = [None if place.pixels else names.index(place.layer_name) for place in places]
    tensors = [images if i is None else tapped.activations[i] for i in at]
    return tensors, [INPUT if i is None else tapped.layers[i] for i in at]


def _spots(places: Sequence[Where], tapped: Tapped, images: tf.Tensor, S: tf.Tensor) -> list[Spot]:
    tensors, addresses = tapped_tensors(places, tapped, images)
    if not tensors:
        return []
    return [
        Spot(address, tuple(A.shape[1:]), not depends_on(g, images))
        for address, A, g in zip(addresses, tensors, gradients(S, tensors, addresses), strict=True)
    ]


def depends_on(result: tf.Tensor, source: tf.Tensor) -> bool:
    """Whether the values of `result` can change with the values of `source`.

    Read off the traced graph, shapes aside. A gradient dS/dA that does not depend on the images is
    the same for every noised sample: the head after the layer is affine.
    """
    seen: set[int] = set()
    waiting = [result.op]
    while waiting:
        op = waiting.pop()
        if op is source.op:
            return True
        if id(op) in seen or op.type in SHAPE_ONLY:
            continue
        seen.add(id(op))
        waiting.extend(tensor.op for tensor in op.inputs)
    return False
