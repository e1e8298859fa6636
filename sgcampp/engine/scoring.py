"""Class scores and probabilities of any model inputs, made on the device by a traced function.

What evaluation and perturbation methods stand on: masked, noised or stored images become scores
in batches, in the precision, and with the errors, of the maps' own passes.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.device import on_device
from sgcampp.engine.precision import check_precision, running_in
from sgcampp.engine.tap import tap
from sgcampp.models.spatial import Layout, Reading


class Outputs(NamedTuple):
    """What a model says of some inputs.

    Attributes:
        logits: float32 or float64 [rows, C], class scores before the softmax or sigmoid.
        probabilities: [rows, C], after it; NaN for a head that has neither.
        activations: [rows, h, w, K], one a tapped layer.
    """

    logits: NDArray[np.floating]
    probabilities: NDArray[np.floating]
    activations: tuple[NDArray[np.floating], ...] = ()


class Scorer:
    """A model that scores what `make` makes; traced once.

    An input's scores are the same to the bit in any call of the same shape, whatever its
    neighbours.

    Attributes:
        class_count: C.
        gives_probabilities: whether its head is a softmax or a sigmoid.

    Args:
        model: the Keras model; it is not changed.
        make: within a trace of its own, makes model inputs float32 [rows, H, W, C] of a call's
            arguments.
        signature: of those arguments.
        output_name: which output of a model with several.
        frozen: takes the weights as constants.
        precision: of the network, see `precision`.
        jit: compiles the model, not `make`, with XLA.
        layers: addresses of layers to tap, and how these lie over the image, as a discovery told.

    Raises:
        UserError: for a layer or an output that the model does not have, or a precision of other
            devices.
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
        layers: Mapping[str, Layout | None] = MappingProxyType({}),
    ) -> None:
        check_precision(precision)
        self._precision = precision

        def forward(inputs: tf.Tensor) -> Outputs:
            reading = Reading(known={name: lies for name, lies in layers.items() if lies})
            tapped = tap(model, inputs, tuple(layers), output_name, frozen, reading)
            logits = tapped.logits
            nothing = tf.fill(tf.shape(logits), tf.constant(np.nan, logits.dtype))
            known = tapped.probabilities
            self.gives_probabilities = known is not None
            wide = (tf.cast(A, logits.dtype) for A in tapped.activations)
            return Outputs(logits, nothing if known is None else known, tuple(wide))

        making = tf.function(make, autograph=False)
        self._make = making.get_concrete_function(*signature)
        inputs = self._make.structured_outputs
        scoring = tf.function(forward, autograph=False, jit_compile=jit or None)
        self._score = scoring.get_concrete_function(tf.TensorSpec(inputs.shape, inputs.dtype))
        self.class_count = int(self._score.structured_outputs.logits.shape[-1])

    def __call__(self, *arguments: NDArray | tf.Tensor) -> Outputs:
        """Scores the inputs that `make` makes of the arguments.

        Raises:
            DeviceMemoryError: when the device has no memory for them.
        """
        with on_device():
            # Apart from the network, so that its precision does not reach the masks.
            inputs = self._make(*map(tf.convert_to_tensor, arguments))
            with running_in(self._precision):
                outputs = self._score(inputs)
            return tf.nest.map_structure(lambda part: part.numpy(), outputs)


def input_scorer(model: keras.Model, shape: tuple[int, int, int], *settings: Any) -> Scorer:
    """A scorer of model inputs as they are, float32 [rows, H, W, C].

    Args:
        model: the Keras model.
        shape: (H, W, C).
        *settings: output_name, frozen and so on, as of `Scorer`.
    """
    return Scorer(model, tf.identity, [tf.TensorSpec([None, *shape], tf.float32)], *settings)
