"""Weights for a network that is built by name: from a file, or random and reproducible."""

import random
import warnings
from collections.abc import Callable
from pathlib import Path

import keras

from sgcampp.errors import UserError
from sgcampp.models.keras_file import check_container, first_sentence, hdf5_facts
from sgcampp.models.names import SUFFIXES
from sgcampp.storage.location import on_this_machine


def built_with(build: Callable[[], keras.Model], weights: str | Path, name: str) -> keras.Model:
    """Builds a network with reproducible random weights, then loads a file unless 'none'.

    Raises:
        UserError: if the weights file cannot be read or does not fit.
    """
    # Keras draws the seeds of its initialisers from Python's generator.
    state = random.getstate()
    random.seed(0)
    try:
        model = build()
    finally:
        random.setstate(state)
    if str(weights) != "none":
        with on_this_machine(weights) as path:
            load_weights(model, path, name)
    return model


def load_weights(model: keras.Model, path: str | Path, name: str) -> None:
    """Loads a weights file into a model of the same architecture.

    Args:
        model: changed in place.
        path: `.weights.h5`, Keras 2's `.h5`, or a whole `.keras` model.
        name: what to call the model in messages.

    Raises:
        UserError: if the file is missing, damaged, or belongs to another architecture.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES or path.is_dir():
        raise UserError(f"weights {path} must be 'imagenet', 'none', or a .h5 or .keras file")
    check_container(path)
    if path.suffix != ".keras":
        _check_weights_name(path)
    try:
        with warnings.catch_warnings():
            # One for each missing layer, before the error that says it all.
            warnings.filterwarnings("ignore", "Skipping nested container")
            model.load_weights(path)
    except (AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise UserError(f"weights {path} do not fit {name}: {first_sentence(error)}") from error


def _check_weights_name(path: Path) -> None:
    """Keras tells its two weights formats apart by the file's name alone."""
    new_name = path.name.endswith(".weights.h5")
    old_format = bool({"layer_names", "model_weights"} & hdf5_facts(path))
    if old_format == new_name:
        wanted = "must not end in .weights.h5" if old_format else "must end in .weights.h5"
        raise UserError(
            f"weights {path} are in Keras {2 if old_format else 3}'s format, "
            f"whose file name {wanted}: rename it"
        )
