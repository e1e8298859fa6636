"""Reads tensors from a legacy torch checkpoint without torch and without running what is in it."""

import os
import pickle
import struct
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
_DTYPES = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}


def read_checkpoint(path: str | Path) -> dict[str, NDArray[Any]]:
    """Reads a state dict in torch's format before 1.6: pickles first, raw storages behind them.

    Args:
        path: the file. Only an OrderedDict of dense tensors is accepted in it.

    Returns:
        Name → array with the tensor's dtype and shape, in file order; contiguous copies.

    Raises:
        UserError: if the file is missing, truncated, of another format, or names any Python
            object that a state dict does not need.
    """
    try:
        with Path(path).open("rb") as file:
            return _read(file)
    except OSError as error:
        raise UserError(f"cannot read checkpoint {path}: {error.strerror}") from error
    except (
        pickle.UnpicklingError,
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        TypeError,
        ValueError,
        struct.error,
    ) as error:
        # A damaged pickle stream raises any of these.
        raise UserError(f"cannot read checkpoint {path}: {error or 'it is damaged'}") from error


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, storages: dict[str, NDArray[Any]]) -> NDArray[Any]:
        """A contiguous copy of the tensor's elements; strides count elements, not bytes."""
        flat = storages[self.storage.key]
        last = sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        negative = min((self.offset, *self.strides)) < 0 or min(self.shape, default=1) < 1
        if negative or self.offset + last >= len(flat):
            raise ValueError("a tensor reaches outside its storage")
        steps = [step * flat.itemsize for step in self.strides]
        window = np.lib.stride_tricks.as_strided(flat[self.offset :], self.shape, steps)
        return np.array(window, order="C")


class _StateDictUnpickler(pickle.Unpickler):
    """Unpickles state dicts of tensors; every other global is refused unread."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no state dict needs")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, window = pid
        if kind != "storage" or window is not None or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError("it holds something other than plain tensors")
        return _Storage(str(key), dtype, int(count))


def _rebuild_tensor(storage: _Storage, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, int(offset), tuple(shape), tuple(strides))


def _read(file: BinaryIO) -> dict[str, NDArray[Any]]:
    if _unpickle(file) != MAGIC or _unpickle(file) != PROTOCOL:
        raise ValueError("it is not in torch's legacy format (before 1.6)")
    if not _unpickle(file)["little_endian"]:
        raise ValueError("it was written on a big-endian machine")
    state = _unpickle(file)
    if not all(isinstance(tensor, _Tensor) for tensor in state.values()):
        raise ValueError("it holds something other than a state dict of tensors")
    declared = {tensor.storage.key: tensor.storage for tensor in state.values()}
    keys = _unpickle(file)
    storages = {key: _read_storage(file, declared[key]) for key in keys}
    return {name: tensor.array(storages) for name, tensor in state.items()}


def _unpickle(file: BinaryIO) -> Any:
    return _StateDictUnpickler(file).load()


def _read_storage(file: BinaryIO, storage: _Storage) -> NDArray[Any]:
    (count,) = struct.unpack("<q", file.read(8))
    if count != storage.count:
        raise ValueError(f"storage {storage.key} holds {count} values, not {storage.count}")
    size = count * storage.dtype.itemsize
    if not 0 <= size <= os.fstat(file.fileno()).st_size - file.tell():
        raise ValueError("it ends too early")
    return np.frombuffer(file.read(size), storage.dtype)
