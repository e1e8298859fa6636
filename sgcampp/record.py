"""OUT/run.yaml: the resolved config and what else it takes to repeat or resume the run."""

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sgcampp
from sgcampp.config import RECORDED, RunConfig, as_yaml, output_keys, yaml_value
from sgcampp.errors import UserError
from sgcampp.strict_yaml import read_mapping

NAME = "run.yaml"
PACKAGES = ("tensorflow", "keras", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class RunRecord:
    """What a run settled beyond its config; stands under `recorded` in run.yaml.

    Attributes:
        model_fingerprint: of architecture, weights and preprocessing.
        layer: address of the explained layer.
        batch_size: B; a resume uses the same, so that its maps have the same bits.
        images_per_step: b.
        passes: noised passes an image.
        frozen: whether the weights were constants of the traced graph.
        images: in the listing, when the run last started.
        versions: of sgcampp, Python and the packages that shape the numbers.
    """

    model_fingerprint: str
    layer: str
    batch_size: int
    images_per_step: int
    passes: int
    frozen: bool
    images: int
    versions: dict[str, str]


def versions() -> dict[str, str]:
    """Versions of what shapes the numbers."""
    of_packages = {name: version(name) for name in PACKAGES}
    return {"sgcampp": sgcampp.__version__, "python": platform.python_version(), **of_packages}


def run_yaml(config: RunConfig, record: RunRecord) -> bytes:
    """The text of run.yaml; `--config OUT/run.yaml` repeats the run."""
    recorded = yaml_value(asdict(record), indent=2)
    return f"# written by sgcampp\n{as_yaml(asdict(config))}{RECORDED}: {recorded}\n".encode()


def read_record(root: Path) -> tuple[dict[str, Any], RunRecord] | None:
    """What an output tree's run.yaml says: (config values, record); None where there is none.

    Raises:
        UserError: for a run.yaml that can't be read or was not written by sgcampp.
    """
    path = root / NAME
    if not path.exists():
        return None
    values = read_mapping(path)
    try:
        return values, RunRecord(**values.pop(RECORDED))
    except (KeyError, TypeError) as error:
        raise UserError(f"{path}: was not written by this version of sgcampp") from error


def differing_keys(
    config: RunConfig, model_fingerprint: str, values: Mapping[str, Any], record: RunRecord
) -> list[str]:
    """Keys in which a run differs from the one recorded in its output tree, as `key: old → new`."""
    now = output_keys(asdict(config))
    differing = [
        f"{name}: {values.get(name)!r} → {value!r}"
        for name, value in now.items()
        if values.get(name) != value
    ]
    if model_fingerprint != record.model_fingerprint:
        differing.append("the model's weights, architecture or preprocessing")
    return differing
