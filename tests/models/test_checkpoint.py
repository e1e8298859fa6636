import os
import pickle
import struct
from collections import OrderedDict

import numpy as np
import pytest

from sgcampp.errors import UserError
from sgcampp.models.checkpoint import MAGIC, PROTOCOL, read_checkpoint


class Global:
    """Pickles as a reference to a global, whether or not its module is installed."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """Pickles as a call of a global."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Storage:
    def __init__(self, kind, key, count):
        self.pid = ("storage", Global("torch", kind), key, "cpu", count, None)


class TorchPickler(pickle._Pickler):
    def persistent_id(self, obj):
        return obj.pid if isinstance(obj, Storage) else None

    def save_global_by_name(self, obj):
        self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())

    def save_call(self, obj):
        self.save(obj.function)
        self.save(obj.arguments)
        self.write(pickle.REDUCE)

    dispatch = {  # noqa: RUF012
        **pickle._Pickler.dispatch,
        Global: save_global_by_name,
        Call: save_call,
    }


def tensor(storage, offset, shape, strides):
    rebuild = Global("torch._utils", "_rebuild_tensor_v2")
    return Call(rebuild, storage, offset, shape, strides, False, OrderedDict())


def write(path, state, storages, *, magic=MAGIC, protocol=PROTOCOL):
    with path.open("wb") as file:
        for value in (magic, protocol, {"little_endian": True}, state, list(storages)):
            TorchPickler(file, 2).dump(value)
        for array in storages.values():
            file.write(struct.pack("<q", array.size) + array.tobytes())
    return path


def test_reads_contiguous_strided_offset_and_shared_tensors(tmp_path):
    values = np.arange(12, dtype=np.float32)
    storage = Storage("FloatStorage", "s0", 12)
    state = OrderedDict(
        plain=tensor(storage, 0, (3, 4), (4, 1)),
        transposed=tensor(storage, 0, (4, 3), (1, 4)),
        column=tensor(storage, 2, (3,), (4,)),
        broadcast=tensor(storage, 5, (2, 2), (0, 0)),
        count=tensor(Storage("LongStorage", "s1", 1), 0, (), ()),
    )
    path = write(tmp_path / "a.pth", state, {"s0": values, "s1": np.array([7])})
    arrays = read_checkpoint(path)
    grid = values.reshape(3, 4)
    assert list(arrays) == list(state)
    np.testing.assert_array_equal(arrays["plain"], grid)
    np.testing.assert_array_equal(arrays["transposed"], grid.T)
    np.testing.assert_array_equal(arrays["column"], grid[:, 2])
    np.testing.assert_array_equal(arrays["broadcast"], np.full((2, 2), 5))
    assert arrays["count"].shape == () and arrays["count"] == 7
    assert all(array.flags.owndata and array.flags.c_contiguous for array in arrays.values())
    assert arrays["plain"].dtype == np.float32


@pytest.mark.parametrize("place", ["magic", "state"])
def test_refuses_code_and_does_not_run_it(tmp_path, place):
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    path = tmp_path / "evil.pth"
    if place == "magic":
        path.write_bytes(pickle.dumps(Evil(), 2))
    else:
        write(path, OrderedDict(weight=Evil()), {})
    with pytest.raises(UserError, match="which no state dict needs"):
        read_checkpoint(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [("builtins", "eval"), ("torch", "load"), ("collections", "namedtuple"), ("numpy", "array")],
)
def test_refuses_every_other_global(tmp_path, module, name):
    path = write(tmp_path / "a.pth", {"weight": Call(Global(module, name), "1")}, {})
    with pytest.raises(UserError, match=f"asks for {module}.{name}"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (5,), (1,)), (3, (2,), (1,)), (-1, (1,), (1,)), (0, (2,), (-1,)), (0, (2, 2), (1,))],
)
def test_refuses_tensors_outside_their_storage(tmp_path, offset, shape, strides):
    state = {"weight": tensor(Storage("FloatStorage", "s", 4), offset, shape, strides)}
    path = write(tmp_path / "a.pth", state, {"s": np.zeros(4, np.float32)})
    with pytest.raises(UserError, match="cannot read checkpoint"):
        read_checkpoint(path)


def test_refuses_every_truncation(tmp_path):
    state = {"weight": tensor(Storage("FloatStorage", "s", 8), 0, (8,), (1,))}
    whole = write(tmp_path / "a.pth", state, {"s": np.ones(8, np.float32)}).read_bytes()
    for length in range(len(whole)):
        (tmp_path / "cut.pth").write_bytes(whole[:length])
        with pytest.raises(UserError, match="cannot read checkpoint"):
            read_checkpoint(tmp_path / "cut.pth")


def test_refuses_absurd_counts_other_formats_and_missing_files(tmp_path):
    huge = {"weight": tensor(Storage("FloatStorage", "s", 2**60), 0, (1,), (1,))}
    path = write(tmp_path / "huge.pth", huge, {"s": np.zeros(1, np.float32)})
    with pytest.raises(UserError, match="holds 1 values, not"):
        read_checkpoint(path)
    with pytest.raises(UserError, match="not in torch's legacy format"):
        read_checkpoint(write(tmp_path / "b.pth", {}, {}, protocol=1002))
    (tmp_path / "zip.pth").write_bytes(b"PK\x03\x04 a newer torch file")
    with pytest.raises(UserError, match=r"cannot read checkpoint .*zip.pth"):
        read_checkpoint(tmp_path / "zip.pth")
    with pytest.raises(UserError, match="No such file"):
        read_checkpoint(tmp_path / "none.pth")
