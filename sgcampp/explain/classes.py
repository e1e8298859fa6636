"""Class codes, as the engine takes them.

A code is a pair: a class, and the class that counts against it in a contrast S_a - S_b, or
NO_CLASS. c >= 0 is class c; -r is the class of the r-th highest score on the clean image. The
engine resolves ranks on the device and holds the class for all copies of the image.
"""

import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError

NO_CLASS = np.iinfo(np.int32).min
"""Stands for the other class where there is no contrast."""


def check_codes(codes: NDArray[np.int32], classes: int) -> None:
    """Raises UserError for a class or a rank that a model of `classes` classes does not have.

    Args:
        codes: int32 [..., 2].
        classes: C.
    """
    used = codes[codes != NO_CLASS]
    lowest, highest = int(used.min()), int(used.max())
    if highest >= classes:
        raise UserError(
            f"class {highest} does not exist: the model has {classes} classes, 0 to {classes - 1}"
        )
    if lowest < -classes:
        raise UserError(f"top{-lowest} asks for more than the model's {classes} classes")
