"""Where models come from by name or path; each source is one decorated function.

A source is asked about every name until one knows it. It imports what builds the model only then:
names are listed without Keras.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sgcampp.errors import UserError
from sgcampp.models.applications import APPLICATIONS, find_application
from sgcampp.models.families import plain_name
from sgcampp.models.names import EMBEDDED, EMBEDDED_SIZE, ModelInfo, is_model_path
from sgcampp.registry import Registry
from sgcampp.storage.location import on_this_machine
from sgcampp.storage.urls import redacted

if TYPE_CHECKING:
    import keras

IMAGENET = "imagenet"


@dataclass(frozen=True)
class Sourced:
    """A model with what its origin tells about it.

    Attributes:
        name: as people call it.
        model: built, with its weights.
        weights: 'imagenet', 'none', 'given', or the path of the file they came from.
        family: whose preprocessing it wants, see `families`; None where nobody knows.
        size: side of the square images it was trained on, where it takes any.
    """

    name: str
    model: "keras.Model"
    weights: str
    family: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class ModelSource:
    """A registered source.

    Attributes:
        find: (name, weights, trusted) to the model; None for a name that it does not know.
        models: the names that it can list.
    """

    find: Callable[[str, str, bool], Sourced | None]
    models: tuple[ModelInfo, ...]


MODEL_SOURCES = Registry[ModelSource]("model source")

_Find = Callable[[str, str, bool], Sourced | None]


def model_source(name: str, models: Sequence[ModelInfo] = ()) -> Callable[[_Find], _Find]:
    """Registers the decorated function as a source of models; see `ModelSource`."""

    def register(find: _Find) -> _Find:
        MODEL_SOURCES.register(name, ModelSource(find, tuple(models)))
        return find

    return register


def list_models() -> list[ModelInfo]:
    """All models known by name, the embedded one first; does not import TensorFlow."""
    return [model for source in MODEL_SOURCES.values() for model in source.models]


@model_source("embedded", [ModelInfo(EMBEDDED, EMBEDDED_SIZE, "embedded")])
def _embedded(name: str, weights: str, trusted: bool) -> Sourced | None:
    """EfficientNet-Lite0, whose weights a package ships."""
    if plain_name(name) != plain_name(EMBEDDED):
        return None
    from sgcampp.models.embedded import build, build_pretrained
    from sgcampp.models.weights_file import built_with

    model = build_pretrained() if weights == IMAGENET else built_with(build, weights, EMBEDDED)
    return Sourced(EMBEDDED, model, weights, EMBEDDED)


@model_source(
    "keras.applications",
    [ModelInfo(each.name, (each.size, each.size), "keras.applications") for each in APPLICATIONS],
)
def _application(name: str, weights: str, trusted: bool) -> Sourced | None:
    """A constructor of keras.applications."""
    application = find_application(name)
    if application is None:
        return None
    from sgcampp.models.pretrained import build_application

    model = build_application(application, weights)
    return Sourced(application.name, model, weights, application.family, application.size)


@model_source("file")
def _file(name: str, weights: str, trusted: bool) -> Sourced | None:
    """A whole model in a .keras or .h5 file, or at its URL."""
    if not is_model_path(name):
        return None
    from sgcampp.models.keras_file import load_model_file

    shown = redacted(name)
    refuse_weights(shown, weights)
    with on_this_machine(name) as path:
        return Sourced(shown, load_model_file(path, trusted=trusted), shown)


def refuse_weights(name: str, weights: str) -> None:
    """Raises UserError for weights that are given beside a model that has its own."""
    if weights != IMAGENET:
        raise UserError(f"{name} brings its own weights: give weights only with a model's name")
