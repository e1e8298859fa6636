"""What a model may be called, told without importing Keras."""

from dataclasses import dataclass
from pathlib import Path

EMBEDDED = "efficientnet-lite0"
EMBEDDED_SIZE = (224, 224)
SUFFIXES = (".keras", ".h5", ".hdf5")


@dataclass(frozen=True)
class ModelInfo:
    """A model that can be loaded by name.

    Attributes:
        name: as `load_model` takes it.
        size: (height, width) of its input, pixels.
        source: 'embedded' (nothing to download) or 'keras.applications'.
    """

    name: str
    size: tuple[int, int]
    source: str


def is_model_path(name: str | Path) -> bool:
    """Whether `name` can only be meant as a file or directory, not as a model's name."""
    text = str(name)
    return isinstance(name, Path) or "/" in text or text.endswith(SUFFIXES) or Path(text).is_dir()
