"""TensorFlow where methods are named too: imported when one computes, not when it is named.

`--help`, `config` and the checks of a run config read the names of the methods; they must not pay
for TensorFlow. All other files that compute import it as usual.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf
else:

    class _TensorFlow:
        def __getattr__(self, name: str) -> Any:
            return getattr(importlib.import_module("tensorflow"), name)

    tf = _TensorFlow()

__all__ = ["tf"]
