"""Imports TensorFlow without its talk on stderr."""

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from sgcampp.errors import UserError


def import_tensorflow() -> None:
    """Imports TensorFlow; what it prints meanwhile is shown only if the import fails.

    Its C++ libraries print start-up lines that no setting silences, straight to the descriptor.

    Raises:
        UserError: if Keras shall run on something else.
    """
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # beats keras.json
    if backend != "tensorflow":
        raise UserError(f"KERAS_BACKEND is {backend!r}, accepted: tensorflow, or unset")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            with _without_collections():
                import keras  # noqa: F401
                import tensorflow  # noqa: F401
        except Exception:
            said.seek(0)
            os.write(saved, said.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Keeps the garbage collector off what is imported inside, then and later.

    The imports make half a million objects that stay for good; looking through them again and again
    takes a sixth of a short run.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
