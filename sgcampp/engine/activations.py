"""Activations of images at a layer, with the scores of the classes asked for; one traced pass."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.class_scores import resolved, scores_of
from sgcampp.engine.device import on_device
from sgcampp.engine.discovery import Spot, discover
from sgcampp.engine.precision import check_precision, running_in
from sgcampp.engine.results import Classes
from sgcampp.engine.tap import tap
from sgcampp.explain.looks import Where
from sgcampp.models.spatial import Reading


class Activated(NamedTuple):
    """What a pass gives of b images: A float32 or float64 [b, h, w, K], and their classes."""

    A: NDArray[np.floating]
    classes: Classes


class ActivationReader:
    """A model that gives a layer's activations, ready to run batches of images.

    Attributes:
        spot: the layer.
        class_count: C.

    Args:
        model: the Keras model; it is not changed.
        input_shape: (H, W, C) of its input.
        where: the layer.
        classes: T, classes an image.
        output_name: which output of a model with several.
        frozen: takes the weights as constants.
        precision: of the network, see `precision`.
        jit: compiles with XLA.

    Raises:
        UserError: for a layer or an output that the model does not have.
    """

    def __init__(
        self,
        model: keras.Model,
        input_shape: tuple[int, ...],
        where: Where,
        classes: int = 1,
        output_name: str | None = None,
        frozen: bool = False,
        precision: str = "float32",
        jit: bool = False,
    ) -> None:
        check_precision(precision)
        self._precision = precision
        discovery = discover(model, input_shape, [where], output_name=output_name)
        self.spot: Spot = discovery.spots[where]
        self.class_count = discovery.class_count
        layout = self.spot.layout

        def run(images: tf.Tensor, codes: tf.Tensor) -> tuple[tf.Tensor, ...]:
            reading = Reading(known={self.spot.address: layout} if layout else {})
            tapped = tap(model, images, (self.spot.address,), output_name, frozen, reading)
            class_idx = resolved(codes, tapped.logits)
            scores = scores_of(tapped.logits[:, None], class_idx)[:, 0]
            known = tapped.probabilities
            nothing = tf.fill(tf.shape(scores), tf.constant(np.nan, scores.dtype))
            if known is not None:
                nothing = scores_of(known[:, None], class_idx, contrast=False)[:, 0]
            (A,) = tapped.activations
            return tf.cast(A, tapped.logits.dtype), class_idx, scores, nothing

        traced = tf.function(run, autograph=False, jit_compile=jit or None)
        self._run = traced.get_concrete_function(
            tf.TensorSpec([None, *input_shape], tf.float32),
            tf.TensorSpec([None, classes, 2], tf.int32),
        )

    def __call__(self, images: NDArray[np.float32], codes: NDArray[np.int32]) -> Activated:
        """Runs images [b, H, W, C] with class codes [b, T, 2].

        Raises:
            DeviceMemoryError: when the device has no memory for them.
        """
        with on_device(), running_in(self._precision):
            outputs = self._run(tf.constant(images), tf.constant(codes))
            A, class_idx, scores, probabilities = (part.numpy() for part in outputs)
        return Activated(A, Classes(class_idx[..., 0], class_idx[..., 1], scores, probabilities))
