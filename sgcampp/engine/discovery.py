"""What one trace of a model tells of it, before anything is run: its classes, and its layers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import keras
import tensorflow as tf

from sgcampp.engine.covered import check_covered
from sgcampp.engine.graph_reading import first_bend, moved_by
from sgcampp.engine.propagation import propagating
from sgcampp.engine.smoothing import smoothing_layer
from sgcampp.engine.tap import Tapped, gradients, tap
from sgcampp.explain.looks import INPUT, SMOOTHING, Where
from sgcampp.models.layers import told_batch
from sgcampp.models.spatial import Layout, Reading


@dataclass(frozen=True)
class Spot:
    """A layer, or the model's input, as the trace passed it.

    Attributes:
        address: of the layer, or `input`.
        shape: (h, w, K).
        affine: whether dS/dA is the same for every image: the head after it is affine.
        bend: the first operation behind it that is not piecewise linear, see `first_bend`.
        layout: how the layer's own output lies over the image; None: at the input.
    """

    address: str
    shape: tuple[int, int, int]
    affine: bool
    bend: str | None
    layout: Layout | None = None


@dataclass(frozen=True)
class Discovery:
    """What the trace told.

    Attributes:
        class_count: C.
        spots: by where it was looked.
    """

    class_count: int
    spots: Mapping[Where, Spot]

    def named(self, where: Where) -> Where:
        """A place by a name that any other trace finds: SMOOTHING by its address."""
        found = self.spots[where].address
        return replace(where, layer_name=found) if where.layer_name == SMOOTHING else where


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
        rule: how gradients pass ops, see `propagation.propagating`.
        output_name: which of several outputs.

    Raises:
        UserError: for a layer or output that does not exist or can't be explained, a layer that
            the scores do not depend on, SMOOTHING where noise changes nothing at any layer, or a
            rule that changes nothing in this model, or has nothing to say of a part of it.
    """
    found: list[Discovery] = []
    chosen = tuple(dict.fromkeys(places))
    named = [place for place in chosen if place.layer_name != SMOOTHING]
    reading = _reading(model, input_shape, chosen, rule)

    def trace(images: tf.Tensor, class_idx: tf.Tensor) -> tf.Tensor:
        with propagating(rule):
            tapped = tap(model, images, layer_names(named), output_name, reading=reading)
        if rule == "deep_lift":
            check_covered(tapped.logits, images)
        S = tf.gather(tapped.logits, class_idx, axis=-1)
        tensors, addresses = tapped_tensors(named, tapped, images)
        seen = dict(zip(named, zip(addresses, tensors, strict=True), strict=True))
        layouts = dict(zip(tapped.layers, tapped.layouts, strict=True))
        for place in (place for place in chosen if place.layer_name == SMOOTHING):
            call = smoothing_layer(tapped.calls, S, images)
            seen[place], layouts[call.address] = (call.address, call.maps), call.layout
        found.append(Discovery(tapped.logits.shape[-1], _spots(seen, layouts, images, S)))
        return S

    images = tf.TensorSpec([reading.batch, *input_shape], tf.float32)
    traced = tf.function(trace, autograph=False)
    traced.get_concrete_function(images, tf.TensorSpec([], tf.int32))
    return found[-1]


def _reading(
    model: keras.Model, input_shape: Sequence[int], places: Sequence[Where], rule: str
) -> Reading:
    # DeepLIFT's rules know what varies with the image by its open number of rows.
    rows = None if rule == "deep_lift" else told_batch(model)
    tokens = next((place.tokens for place in places if place.tokens), None)
    return Reading((input_shape[0], input_shape[1]), rows, tokens)


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


def _spots(
    seen: Mapping[Where, tuple[str, tf.Tensor]],
    layouts: Mapping[str, Layout | None],
    images: tf.Tensor,
    S: tf.Tensor,
) -> dict[Where, Spot]:
    """What the trace tells of places, {place: (address, tensor)}; `layouts`: by address."""
    addresses = [address for address, _ in seen.values()]
    tensors = [A for _, A in seen.values()]
    slopes = gradients(S, tensors, addresses) if seen else []
    moved = moved_by(images)
    return {
        where: Spot(
            address,
            tuple(A.shape[1:]),
            g.op not in moved,
            first_bend(S, A),
            layouts.get(address),
        )
        for (where, (address, A)), g in zip(seen.items(), slopes, strict=True)
    }
