"""Imports TensorFlow without its talk on stderr."""

import os
import sys
import tempfile


def import_tensorflow() -> None:
    """Imports TensorFlow; what it prints meanwhile is shown only if the import fails.

    Its C++ libraries print start-up lines that no setting silences, straight to the descriptor.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow  # noqa: F401
        except BaseException:
            said.seek(0)
            os.write(saved, said.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
