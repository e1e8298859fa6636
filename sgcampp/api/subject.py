"""What an Explainer is given to explain, and to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.errors import UserError
from sgcampp.explain.looks import Look
from sgcampp.models.classifier import Classifier
from sgcampp.models.labels import Label
from sgcampp.models.signature import input_shape


@dataclass(frozen=True)
class ModelParts:
    """What is explained: a bare model, or a classifier with what it brings."""

    model: keras.Model
    input_shape: tuple[int | None, ...]
    labels: Sequence[Label] | None = None
    output_name: str | None = None
    black: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, model: keras.Model | Classifier) -> "ModelParts":
        """What a user hands over."""
        if not isinstance(model, Classifier):
            return cls(model, input_shape(model))
        named = model.labels, model.output_name
        return cls(model.model, model.input_shape, *named, model.black)


def examples_for(looks: Sequence[Look], given: ArrayLike | None) -> NDArray[np.float32]:
    """The examples given, or none; UserError where a method needs some."""
    if given is None and any(look.method.patch_side for look in looks):
        raise UserError(
            "prediction_difference learns from images what patches look like: give examples, "
            "inputs like those to be explained"
        )
    return np.zeros(0, np.float32) if given is None else np.asarray(given, np.float32)
