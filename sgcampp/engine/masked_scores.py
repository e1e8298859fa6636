"""Class scores of images under masks, laid over them on the device."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.discovery import Spot
from sgcampp.engine.masking import KINDS, masked
from sgcampp.engine.scoring import Scorer
from sgcampp.explain.masks import Masks


class MaskedScores:
    """A model that scores images under masks; traced once for each kind of masks that is used.

    Args:
        model: the Keras model; it is not changed.
        input_shape: (H, W, C) of its input.
        black: float32 [C], the model's input for a black pixel.
        **settings: output_name, frozen, precision and jit, as of `Scorer`.
    """

    def __init__(
        self,
        model: keras.Model,
        input_shape: tuple[int, ...],
        black: NDArray[np.float32],
        **settings: Any,
    ) -> None:
        self.model, self.input_shape, self.black = model, input_shape, black
        self.settings = settings
        self._scorers: dict[Any, Scorer] = {}

    def clean(self, spot: Spot | None) -> Scorer:
        """Scores images [b, H, W, C] as they are, and taps a layer."""
        layers = {spot.address: spot.layout} if spot else {}
        return self._scorer(tuple(layers), tf.identity, [], layers=layers)

    def under(self, masks: Masks) -> Scorer:
        """Scores (images, fills, *masks.part(…)), see `masking.masked`."""
        kind = KINDS[type(masks)]
        images = tf.TensorSpec([None, *self.input_shape], tf.float32)
        signature = [images, *kind.signature(self.input_shape)]
        return self._scorer(type(masks), partial(masked, kind), signature)

    def _scorer(
        self, key: Any, make: Callable, signature: list[tf.TensorSpec], **more: Any
    ) -> Scorer:
        if key not in self._scorers:
            images = tf.TensorSpec([None, *self.input_shape], tf.float32)
            self._scorers[key] = Scorer(
                self.model, make, [images, *signature], **self.settings, **more
            )
        return self._scorers[key]
