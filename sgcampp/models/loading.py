"""A model's name, file or Keras model becomes a classifier."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sgcampp.errors import UserError, nearest
from sgcampp.models.applications import find_application
from sgcampp.models.classifier import Classifier
from sgcampp.models.families import FAMILIES, family_preprocessing, plain_name
from sgcampp.models.labels import Label, imagenet_labels, read_labels
from sgcampp.models.preprocessing import Preprocessing
from sgcampp.models.signature import input_shape
from sgcampp.models.sources import MODEL_SOURCES, Sourced, list_models, refuse_weights
from sgcampp.storage.urls import redacted

if TYPE_CHECKING:
    import keras

OWN_SCALING = ("Rescaling", "Normalization")


def load_model(
    name_or_path: "str | Path | keras.Model",
    weights: str | Path = "imagenet",
    *,
    preprocess: str | None = None,
    resize: str | None = None,
    scale: float | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    channel_order: str | None = None,
    input_size: int | Sequence[int] | None = None,
    labels: str | Path | None = None,
    output_name: str | None = None,
    trusted: bool = False,
) -> Classifier:
    """Makes a classifier of a model's name, a file or a Keras model.

    Args:
        name_or_path: a name of `list_models()`, a `.keras` or `.h5` file, or a `keras.Model`.
        weights: for names only: 'imagenet', 'none' (random), or the path of a weights file.
        preprocess: family whose preprocessing to use, such as 'vgg16' or 'torch'. Known for
            models by name; of others, pixels 0..255 are handed over as they are.
        resize: 'stretch' or 'crop'; this and the next four override the family's value.
        scale: factor on the 0..255 pixels.
        mean: subtracted after scaling, one value or one a channel.
        std: divided by last, one value or one a channel.
        channel_order: 'rgb', 'bgr' or 'grey'.
        input_size: height and width (or one number), for models that take any size.
        labels: text file of class names, one a line.
        output_name: which output to explain, for models with several.
        trusted: allows Lambda layers, which run code from the model file.

    Raises:
        UserError: for an unknown name, a file that cannot be used, or settings that do not fit.
    """
    _use_tensorflow()
    source = _find(name_or_path, weights, trusted)
    numbers = {"scale": scale, "mean": _as_tuple(mean), "std": _as_tuple(std)}
    settings = {"resize": resize, "channel_order": channel_order, **numbers}
    preprocessing = _preprocessing(source, preprocess, settings, input_size)
    guessed = (
        source.family is None and preprocess is None and all(x is None for x in numbers.values())
    )
    notes = _scaling_note(source) if guessed else ()
    return _classifier(source, preprocessing, output_name, notes, labels)


def _classifier(
    source: Sourced,
    preprocessing: Preprocessing,
    output_name: str | None,
    notes: tuple[str, ...],
    labels: str | Path | None,
) -> Classifier:
    bare = Classifier(
        source.name,
        source.model,
        preprocessing,
        output_name=output_name,
        weights=source.weights,
        notes=notes,
    )
    return replace(bare, labels=_labels(labels, source, bare.class_count))


def _use_tensorflow() -> None:
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        import keras  # with the backend that was just named
    except (ImportError, ValueError) as error:
        raise UserError(f"Keras can't start ({error}), set KERAS_BACKEND=tensorflow") from error
    if keras.backend.backend() != "tensorflow":
        raise UserError(f"Keras runs on {keras.backend.backend()}, set KERAS_BACKEND=tensorflow")
    if keras.config.floatx() != "float32":
        raise UserError(
            f"Keras is set to {keras.config.floatx()}, sgcampp needs float32 (keras.json)"
        )
    if keras.config.image_data_format() != "channels_last":
        raise UserError("Keras is set to channels_first, sgcampp needs channels_last (keras.json)")


def _find(model: Any, weights: str | Path, trusted: bool) -> Sourced:
    if not isinstance(model, (str, Path)):
        return _given_model(model, str(weights))
    for source in MODEL_SOURCES.values():
        found = source.find(str(model), str(weights), trusted)
        if found is not None:
            return found
    names = [info.name for info in list_models()]
    raise UserError(
        f"unknown model {redacted(str(model))!r}{nearest(str(model), names)} (`sgcampp models` "
        "lists the names; a path must end in .keras or .h5)"
    )


def _given_model(model: Any, weights: str) -> Sourced:
    import keras  # not before the checks of `_use_tensorflow`

    if not isinstance(model, keras.Model):
        raise UserError(f"a model is a name, a path or a keras.Model, not {type(model).__name__}")
    refuse_weights(model.name, weights)
    return Sourced(model.name, model, "given")


def _preprocessing(
    source: Sourced,
    family: str | None,
    settings: dict[str, Any],
    size: int | Sequence[int] | None,
) -> Preprocessing:
    height, width, channels = input_shape(source.model)
    if channels == 1 and settings["channel_order"] is None:
        settings = {**settings, "channel_order": "grey"}
    chosen = _family_of(family) or source.family or "none"
    preprocessing = family_preprocessing(chosen, _size((height, width), size, source), **settings)
    if preprocessing.channels != channels:
        raise UserError(
            f"{source.name} takes {channels} channels, channel_order "
            f"{preprocessing.channel_order!r} gives {preprocessing.channels}"
        )
    return preprocessing


def _family_of(name: str | None) -> str | None:
    """The family itself, or that of a model's name: 'resnet50' → 'resnet'."""
    known = name is None or plain_name(name) in {plain_name(family) for family in FAMILIES}
    application = None if known or name is None else find_application(name)
    return application.family if application else name


def _size(
    own: tuple[int | None, int | None], given: int | Sequence[int] | None, source: Sourced
) -> tuple[int, int]:
    """The model's own size, with `given` (or what it was trained on) for what it leaves open."""
    given = given or source.size if None in own else given
    if given is None:
        if own[0] is None or own[1] is None:
            raise UserError(f"{source.name} takes images of any size, give it an input_size")
        return own[0], own[1]
    sides = (given,) if isinstance(given, int) else tuple(given)
    wanted = sides * 2 if len(sides) == 1 else sides
    if len(wanted) != 2:
        raise UserError(f"input_size {list(wanted)} must be height and width, or one number")
    if any(size not in {None, side} for size, side in zip(own, wanted, strict=True)):
        raise UserError(
            f"{source.name} takes {own[0]}×{own[1]} images only, "
            f"not input_size {wanted[0]}×{wanted[1]}"
        )
    return int(wanted[0]), int(wanted[1])


def _labels(path: str | Path | None, source: Sourced, count: int) -> tuple[Label, ...] | None:
    if path is None:
        return imagenet_labels() if source.family and count == 1000 else None
    labels = read_labels(path)
    if len(labels) != count:
        raise UserError(
            f"labels file {redacted(str(path))} has {len(labels)} names, {source.name} has {count} "
            "classes"
        )
    return labels


def _scaling_note(source: Sourced) -> tuple[str, ...]:
    layers = source.model._flatten_layers(include_self=False)
    if any(type(layer).__name__ in OWN_SCALING for layer in layers):
        return ()
    return (
        f"{source.name} gets raw RGB pixels 0..255, because nothing says how it was trained: "
        "if that is wrong its maps are wrong too, so set preprocess, scale, mean or std",
    )


def _as_tuple(values: float | Sequence[float] | None) -> tuple[float, ...] | None:
    if values is None:
        return None
    return (float(values),) if isinstance(values, (int, float)) else tuple(map(float, values))
