"""Class scores and probabilities of any model inputs, made on the device by a traced function.

What evaluation and perturbation methods stand on: masked, noised or stored images become scores
in batches, in the precision, and with the errors, of the maps' own passes.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.device import on_device
from sgcampp.engine.precision import check_precision, running_in
from sgcampp.engine.tap import tap


class Outputs(NamedTuple):
    """What a model says of some inputs.

    Attributes:
        logits: float32 or float64 [rows, C], class scores before the softmax or sigmoid.
        probabilities: [rows, C], after it; NaN for a head that has neither.
    """

    logits: NDArray[np.floating]
    probabilities: NDArray[np.floating]


class Scorer:
    """A model that scores what `make` makes; traced once.

    An input's scores are the same to the bit in any call of the same shape, whatever its
    neighbours.

    Attributes:
        class_count: C.

    Args:
        model: the Keras model; it is not changed.
        make: within the trace, makes model inputs float32 [rows, H, W, C] of a call's arguments.
        signature: of those arguments.
        output_name: which output of a model with several.
        frozen: takes the weights as constants.
        precision: of the network, see `precision`.
        jit: compiles with XLA.

    Raises:
        UserError: for an output that the model does not have, or a precision of other devices.
    """

    def __init__(
        self,
        model: keras.Model,
        make: Callable[..., tf.Tensor],
        signature: Sequence[tf.TensorSpec],
        output_name: str | None = None,
        frozen: bool = False,
        precision: str = "float32",
        jit: bool = False,
    ) -> None:
        check_precision(precision)
        self._precision = precision

        def score(*arguments: tf.Tensor) -> Outputs:
            tapped = tap(model, make(*arguments), (), output_name, frozen)
            nothing = tf.fill(tf.shape(tapped.logits), tf.constant(np.nan, tapped.logits.dtype))
            known = tapped.probabilities
            return Outputs(tapped.logits, nothing if known is None else known)

        traced = tf.function(score, autograph=False, jit_compile=jit or None)
        self._score = traced.get_concrete_function(*signature)
        self.class_count = int(self._score.structured_outputs.logits.shape[-1])

    def __call__(self, *arguments: NDArray | tf.Tensor) -> Outputs:
        """Scores the inputs that `make` makes of the arguments.

        Raises:
            DeviceMemoryError: when the device has no memory for them.
        """
        with on_device(), running_in(self._precision):
            outputs = self._score(*map(tf.convert_to_tensor, arguments))
            return Outputs(*(part.numpy() for part in outputs))


def input_scorer(model: keras.Model, shape: tuple[int, int, int], *settings: Any) -> Scorer:
    """A scorer of model inputs as they are, float32 [rows, H, W, C].

    Args:
        model: the Keras model.
        shape: (H, W, C).
        *settings: output_name, frozen and so on, as of `Scorer`.
    """
    return Scorer(model, tf.identity, [tf.TensorSpec([None, *shape], tf.float32)], *settings)
