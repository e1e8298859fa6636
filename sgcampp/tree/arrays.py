"""The raw maps of an output tree, read back."""

import re

import numpy as np
from numpy.typing import NDArray

_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '<f4', 'fortran_order': False, "
    rb"'shape': \(([1-9]\d{0,8}), ([1-9]\d{0,8})\), \} *\n",
    re.DOTALL,
)
"""Of the .npy files that `writers` makes; NumPy's reader would evaluate whatever stands there."""


def decode_map(data: bytes, signed: bool = False) -> NDArray[np.float32]:
    """Reads the bytes of a raw map as `writers` makes them, and so does `numpy.save`.

    Args:
        data: of the file.
        signed: whether its values may be negative.

    Returns:
        float32 [h,w], finite, read-only.

    Raises:
        ValueError: for anything else; the message goes on after the file's name.
    """
    header = _HEADER.match(data)
    if header is None:
        raise ValueError("is no .npy file of float32 [h, w]")
    shape = int(header[1]), int(header[2])
    if len(data) - header.end() != 4 * shape[0] * shape[1]:
        raise ValueError(f"does not have the values of float32 {list(shape)}")
    values = np.frombuffer(data, "<f4", offset=header.end()).reshape(shape)
    if not np.isfinite(values).all() or (values.min() < 0 and not signed):
        raise ValueError("has values that are not finite, or negative")
    return values
