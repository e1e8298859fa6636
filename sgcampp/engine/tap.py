"""Traces an untouched model once and taps a layer: activations A, class scores S, gradients dS/dA.

No model surgery: the model is called as it is inside a `tf.function`, the layer's output is
recorded as the trace passes it, and S is differentiated with respect to it. TensorFlow then runs
the forward pass and the backward pass from S down to A, never below.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from sgcampp.engine.frozen import frozen_weights
from sgcampp.errors import UserError
from sgcampp.models.layer_calls import LayerCall, watched_layers
from sgcampp.models.layers import default_layer, resolve_layer
from sgcampp.models.signature import pick_output
from sgcampp.models.spatial import Layout, Reading

PASS_THROUGH = {"Identity", "Cast", "Reshape", "Squeeze"}


@dataclass(frozen=True)
class Tapped:
    """What one trace of a model shows; all tensors are symbolic.

    Attributes:
        layers: the tapped layers' addresses.
        activations: one a layer, [rows, h, w, K], in the network's own precision, whatever the
            layer's own layout.
        layouts: how the layers' own outputs lie over the image (see `models.spatial`).
        logits: [rows, C], class scores before the softmax or sigmoid; float32 or float64. A binary
            head's single score S becomes (-S, +S).
        probabilities: [rows, C], after the softmax or sigmoid; None for a head that has neither.
        head: what made them: "Softmax", "Sigmoid" or None.
        calls: of all the model's layers, in call order.
    """

    layers: tuple[str, ...]
    activations: tuple[tf.Tensor, ...]
    layouts: tuple[Layout | None, ...]
    logits: tf.Tensor
    probabilities: tf.Tensor | None
    head: str | None
    calls: tuple[LayerCall, ...]


def tap(
    model: keras.Model,
    images: tf.Tensor,
    layer_names: tuple[str | None, ...],
    output_name: str | None,
    frozen: bool = False,
    reading: Reading | None = None,
) -> Tapped:
    """Calls the model on images, inside the caller's trace, and taps its layers.

    A layer that the model calls several times is tapped at its last call.

    Args:
        model: any Keras classifier; it is not changed.
        images: float32 [rows, H, W, C], symbolic.
        layer_names: layer names or `outer/inner` addresses; None is the default layer.
        output_name: which of several outputs, or None for a model that has one.
        frozen: takes the weights as constants, as they are now.
        reading: how layers' outputs are read as [rows, h, w, K]; None: by their shapes.

    Raises:
        UserError: for a layer or output that does not exist or can't be explained.
    """
    weights = frozen_weights(model) if frozen else contextlib.nullcontext()
    if reading is None and images.shape.rank == 4:
        rows, height, width, _ = images.shape
        reading = Reading((height, width), rows)
    with watched_layers(model, reading) as calls, inlined(), weights:
        result = model(images, training=False)
    chosen = [
        default_layer(calls) if name is None else resolve_layer(calls, name) for name in layer_names
    ]
    return Tapped(
        tuple(call.address for call in chosen),
        tuple(call.maps for call in chosen),
        tuple(call.layout for call in chosen),
        *_class_scores(pick_output(model, result, output_name)),
        tuple(calls),
    )


def head_of(
    model: keras.Model, input_shape: tuple[int, ...], output_name: str | None
) -> str | None:
    """What makes a model's probabilities: "Softmax", "Sigmoid", or None if nothing does.

    Args:
        model: as for `tap`.
        input_shape: (H, W, C).
        output_name: as for `tap`.
    """
    heads = []

    def trace(images: tf.Tensor) -> tf.Tensor:
        tapped = tap(model, images, (), output_name)
        heads.append(tapped.head)
        return tapped.logits

    spec = tf.TensorSpec([None, *input_shape], tf.float32)
    tf.function(trace, autograph=False).get_concrete_function(spec)
    return heads[0]


def gradients(
    S: tf.Tensor, activations: Sequence[tf.Tensor], layers: Sequence[str]
) -> list[tf.Tensor]:
    """dS/dA for each of some layers, or the input, [rows, h, w, K], in its precision.

    Args:
        S: [rows], one class score a row.
        activations: one a layer.
        layers: their addresses, for the error.

    Raises:
        UserError: for a layer that the class score does not depend on.
    """
    found = tf.gradients(S, list(activations))
    for layer, g in zip(layers, found, strict=True):
        if g is None:
            raise UserError(
                f"the class score does not depend on layer {layer!r}; choose another layer"
            )
    return [tf.convert_to_tensor(g) for g in found]


@contextlib.contextmanager
def inlined() -> Iterator[None]:
    """Inlines the model's own tf.functions into the trace, so that their layers can be tapped."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _class_scores(output: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None, str | None]:
    """Walks back from a model's output to the class scores before its softmax or sigmoid.

    Returns:
        logits, probabilities and head, as `Tapped` has them.
    """
    _refuse_shape(output)
    op = output.op
    while op.type in PASS_THROUGH:
        op = op.inputs[0].op
    normalised = op.type in {"Softmax", "Sigmoid"}
    logits, values = _rows(op.inputs[0] if normalised else output, output), _rows(output, output)
    if output.shape[-1] == 1:
        logits = tf.concat([-logits, logits], -1)
        values = tf.concat([1 - values, values], -1)
    return (logits, values, op.type) if normalised else (logits, None, None)


def _refuse_shape(output: tf.Tensor) -> None:
    shape = output.shape
    flat = shape.rank == 2 or (shape.rank == 4 and tuple(shape[1:3]) == (1, 1))
    if not flat or shape[-1] is None:
        raise UserError(
            f"the model's output has shape {shape}, accepted: class scores of shape [N, C]"
        )


def _rows(scores: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
    """Class scores as [rows, C], float32 at least."""
    return _wide(tf.reshape(scores, [-1, output.shape[-1]]))


def _wide(x: tf.Tensor) -> tf.Tensor:
    """Float16 and bfloat16 become float32; float32 and float64 stay."""
    return x if x.dtype in {tf.float32, tf.float64} else tf.cast(x, tf.float32)
