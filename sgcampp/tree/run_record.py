"""OUT/run.yaml: the resolved config and what else it takes to repeat or resume the run."""

import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

import sgcampp
from sgcampp.config.strict_yaml import parse_mapping, yaml_value
from sgcampp.errors import UserError
from sgcampp.storage.store import Store
from sgcampp.tree.paths import RUN_YAML
from sgcampp.tree.schema import check_limits, check_types, field_types

RECORDED = "recorded"
"""The one key of a run.yaml that is no setting: what the run found out."""
_FORMER = {"passes"}
PACKAGES = ("tensorflow", "keras", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class RunRecord:
    """What a run settled beyond its config; stands under `recorded` in run.yaml.

    Attributes:
        model_fingerprint: of architecture, weights and preprocessing.
        layers: addresses of the explained layers; "input" for methods in pixel space.
        batch_size: B; a resume uses the same, so that its maps have the same bits.
        images_per_step: b.
        frozen: whether the weights were constants of the traced graph.
        images: in the listing, when the run last started.
        target_sha256: of the file that names the images' classes, if there is one.
        versions: of sgcampp, Python and the packages that shape the numbers.
        base: the directory that keys are relative to, absolute, when the run last started.
        piecewise_linear: of each layer, whether the class scores are piecewise linear in it.
        background_sha256: of what images were held against, where they were scanned.
        baseline_sha256: of the image files that images are held against, if there are any.
    """

    model_fingerprint: str
    layers: list[str]
    batch_size: int
    images_per_step: int
    frozen: bool
    images: int
    target_sha256: str | None
    versions: dict[str, str]
    base: str | None = None
    piecewise_linear: dict[str, bool] = field(default_factory=dict)
    background_sha256: str | None = None
    baseline_sha256: str | None = None


_TYPES = field_types(RunRecord)
_LIMITS = {
    "batch_size": (1, 2**31),
    "images_per_step": (1, 2**31),
    "images": (0, 10**11),
}


def versions() -> dict[str, str]:
    """Versions of what shapes the numbers."""
    of_packages = {name: version(name) for name in PACKAGES}
    return {"sgcampp": sgcampp.__version__, "python": platform.python_version(), **of_packages}


def recorded_yaml(config: str, record: RunRecord) -> bytes:
    """The text of run.yaml; `--config OUT/run.yaml` repeats the run.

    Args:
        config: the run config, as YAML.
        record: what the run settled.
    """
    recorded = yaml_value(asdict(record), indent=2)
    return f"# written by sgcampp\n{config}{RECORDED}: {recorded}\n".encode()


def read_run_yaml(store: Store) -> tuple[dict[str, Any], RunRecord] | None:
    """What an output tree's run.yaml says: (config values, record); None where there is none.

    Raises:
        UserError: for a run.yaml that can't be read or was not written by sgcampp.
    """
    where = store.shown(RUN_YAML)
    try:
        data = store.read(RUN_YAML).data
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"{where}: can't be read: {error.strerror}") from error
    values = parse_mapping(data, where)
    try:
        recorded = values.pop(RECORDED)
        record = RunRecord(**_known(recorded))
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(f"{where}: was not written by this version of sgcampp") from error
    try:
        check_types(recorded, _TYPES)
        check_limits(recorded, _LIMITS)
    except ValueError as error:
        raise UserError(f"{where}: was not written by sgcampp: {error}") from error
    return values, record


def _known(recorded: dict[str, Any]) -> dict[str, Any]:
    """Without what only older versions recorded."""
    return {name: value for name, value in recorded.items() if name not in _FORMER}
