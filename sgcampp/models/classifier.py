"""A classifier: a Keras model with all that it takes to feed it and to read its answer."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError
from sgcampp.models.embedded import DEFAULT_LAYER
from sgcampp.models.fingerprint import model_digest
from sgcampp.models.labels import Label
from sgcampp.models.layers import NO_DEFAULT, LayerInfo, list_layers
from sgcampp.models.names import EMBEDDED
from sgcampp.models.preprocessing import Preprocessing
from sgcampp.models.signature import class_count

Image = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Classifier:
    """A model that scores classes of images.

    Attributes:
        name: what it was loaded as: a model's name or a path.
        model: the untouched Keras model.
        preprocessing: from pixels to the model's input.
        labels: one a class, in the order of the model's outputs, or None.
        output_name: the output that scores classes, where the model has several.
        weights: 'imagenet', 'none', or the path of the file they came from.
        notes: sentences that the user should read, such as a guess that was made.
    """

    name: str
    model: keras.Model
    preprocessing: Preprocessing
    labels: tuple[Label, ...] | None = None
    output_name: str | None = None
    weights: str = "imagenet"
    notes: tuple[str, ...] = ()

    def preprocess(self, images: Image | Sequence[Image]) -> NDArray[np.float32]:
        """Prepares pictures for the model.

        Args:
            images: uint8 RGB: one [H, W, 3], an array [N, H, W, 3], or a list of N pictures of
                different sizes.

        Returns:
            float32 [N, h, w, C], N = 1 for a single picture.

        Raises:
            UserError: if an image is not such an array, or there is none.
        """
        single = isinstance(images, np.ndarray) and images.ndim == 3
        pictures = [images] if single else list(images)
        if not pictures:
            raise UserError("there is no image to preprocess")
        return np.stack([self.preprocessing(picture) for picture in pictures])  # type: ignore[arg-type]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the model's input."""
        return (*self.preprocessing.size, self.preprocessing.channels)

    @cached_property
    def class_count(self) -> int:
        """Number of classes; 2 for a model with a single sigmoid unit."""
        return class_count(self.model, self.input_shape, self.output_name)

    @cached_property
    def layers(self) -> tuple[LayerInfo, ...]:
        """All layers that can be explained, in call order, from one abstract trace."""
        return tuple(list_layers(self.model, self.input_shape))

    @cached_property
    def default_layer(self) -> str:
        """Address of the layer that is explained unless another is named.

        Raises:
            UserError: if the model has no layer with an output [N, h, w, K].
        """
        if self.model.name == EMBEDDED and DEFAULT_LAYER in self._layer_names():
            return DEFAULT_LAYER
        for layer in self.layers:
            if layer.default:
                return layer.address
        raise UserError(NO_DEFAULT)

    @cached_property
    def black(self) -> NDArray[np.float32]:
        """The model's input for a black pixel, float32 [C]."""
        return self.preprocess(np.zeros((2, 2, 3), np.uint8))[0, 0, 0]

    @cached_property
    def white(self) -> NDArray[np.float32]:
        """The model's input for a white pixel, float32 [C]."""
        return self.preprocess(np.full((2, 2, 3), 255, np.uint8))[0, 0, 0]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of architecture, weights, preprocessing and output; the same in every process."""
        parts = (model_digest(self.model), repr(self.preprocessing), repr(self.output_name))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def class_name(self, index: int) -> str:
        """Name of a class, 'class 7' where the model has no labels."""
        return self.labels[index].name if self.labels else f"class {index}"

    def _layer_names(self) -> set[str]:
        return {layer.name for layer in self.model.layers}
