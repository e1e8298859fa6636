"""Builds the classifiers of keras.applications."""

from pathlib import Path
from typing import Any

import keras

from sgcampp.errors import UserError
from sgcampp.models.applications import Application
from sgcampp.models.weights_file import built_with


def build_application(application: Application, weights: str | Path) -> keras.Model:
    """Builds the classifier with its 1000-class softmax head.

    Args:
        application: which one.
        weights: 'imagenet' (Keras's own download, kept in its cache), 'none' (random, the same at
            every call) or the path of a weights file.

    Raises:
        UserError: if the weights cannot be downloaded, read, or do not fit.
    """
    constructor = getattr(keras.applications, application.constructor)
    if str(weights) == "imagenet":
        return _download(application, constructor)
    return built_with(lambda: constructor(weights=None), weights, application.name)


def _download(application: Application, constructor: Any) -> keras.Model:
    try:
        return constructor(weights="imagenet")
    except Exception as error:
        # Keras raises a bare Exception when a download fails.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"cannot get the ImageNet weights of {application.name} ({reason}); without a network "
            "use the embedded model efficientnet-lite0, or --weights FILE"
        ) from error
