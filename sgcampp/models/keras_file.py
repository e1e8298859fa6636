"""Model files that Keras wrote, checked before Keras gives a misleading message."""

import re
import zipfile
from pathlib import Path

import h5py  # type: ignore[import-untyped]
import keras

from sgcampp.errors import UserError
from sgcampp.models.names import SUFFIXES

_UNKNOWN_CLASS = re.compile(r"(?:Unknown layer: '?|Could not locate class ')(\w+)")
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def load_model_file(path: str | Path, *, trusted: bool = False) -> keras.Model:
    """Loads a whole model, without what it was compiled with.

    Args:
        path: a `.keras` or `.h5` file.
        trusted: allows Lambda layers, which run code from the file.

    Raises:
        UserError: if the file is missing, damaged, of another kind, holds only weights, or needs
            code that is not allowed or not there.
    """
    path = Path(path)
    _check_kind(path)
    check_container(path)
    if path.suffix != ".keras":
        _check_has_architecture(path)
    try:
        return keras.models.load_model(path, compile=False, safe_mode=not trusted)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        raise UserError(f"cannot load {path}: {_explained(error)}") from error


def _check_kind(path: Path) -> None:
    if path.is_dir() and ((path / "saved_model.pb").exists() or path.suffix == ""):
        raise UserError(
            f"{path} is a directory: a SavedModel has lost its inner layers and cannot be "
            "explained, save the model as .keras from the code that built it"
        )
    if path.suffix not in SUFFIXES:
        raise UserError(f"model file {path} must end in .keras or .h5")


def check_container(path: Path) -> None:
    """Tells missing and damaged files apart, which Keras does not.

    Raises:
        UserError: if there is no such file, or it is neither a zip archive nor HDF5, as its name
            promises.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist")
    if not path.is_file():
        raise UserError(f"{path} is not a file")
    if path.suffix == ".keras":
        if not zipfile.is_zipfile(path):
            raise UserError(f"{path} is damaged or not a Keras file: .keras is a zip archive")
    elif not _starts_with(path, HDF5_SIGNATURE):
        raise UserError(f"{path} is damaged or not a Keras file: .h5 is in HDF5 format")


def _starts_with(path: Path, signature: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(signature)) == signature


def _check_has_architecture(path: Path) -> None:
    if "model_config" not in hdf5_facts(path):
        raise UserError(
            f"{path} holds only weights: name the architecture it belongs to and "
            f"pass it as weights (such as vgg16 --weights {path.name})"
        )


def hdf5_facts(path: Path) -> set[str]:
    """Names of the attributes and groups at the root of an HDF5 file.

    Raises:
        UserError: if the file is damaged.
    """
    try:
        with h5py.File(path) as file:
            return {*file.attrs, *file}
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path} is damaged: {first_sentence(error)}") from error


def _explained(error: BaseException) -> str:
    text = str(error)
    if "unsafe_deserialization" in text:
        return "it has Lambda layers, which run code from the file; if you trust it, set `trusted`"
    if unknown := _UNKNOWN_CLASS.search(text):
        return (
            f"it has the class {unknown[1]}, which Keras does not know; import a module that "
            "registers it (keras.saving.register_keras_serializable), or pass the keras.Model "
            "itself in Python"
        )
    return first_sentence(text.rpartition("Exception encountered: ")[2] or error)


def first_sentence(message: BaseException | str) -> str:
    """The beginning of what Keras says, which may go on for pages."""
    line = (str(message).strip() or type(message).__name__).splitlines()[0]
    return line.partition(". ")[0].removesuffix(".")[:200]
