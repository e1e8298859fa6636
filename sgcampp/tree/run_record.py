"""OUT/run.yaml: the resolved config and what else it takes to repeat or resume the run."""

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sgcampp
from sgcampp.config.run_config import RECORDED, RunConfig, as_yaml, output_keys, yaml_value
from sgcampp.config.strict_yaml import read_mapping
from sgcampp.errors import UserError
from sgcampp.images.sources import resolve_sources
from sgcampp.tree.schema import check_limits, check_types, field_types

NAME = "run.yaml"
PACKAGES = ("tensorflow", "keras", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class RunRecord:
    """What a run settled beyond its config; stands under `recorded` in run.yaml.

    Attributes:
        model_fingerprint: of architecture, weights and preprocessing.
        layers: addresses of the explained layers; "input" for methods in pixel space.
        batch_size: B; a resume uses the same, so that its maps have the same bits.
        images_per_step: b.
        passes: noised passes an image.
        frozen: whether the weights were constants of the traced graph.
        images: in the listing, when the run last started.
        target_sha256: of the file that names the images' classes, if there is one.
        versions: of sgcampp, Python and the packages that shape the numbers.
        base: the directory that keys are relative to, absolute, when the run last started.
    """

    model_fingerprint: str
    layers: list[str]
    batch_size: int
    images_per_step: int
    passes: int
    frozen: bool
    images: int
    target_sha256: str | None
    versions: dict[str, str]
    base: str | None = None


_TYPES = field_types(RunRecord)
_LIMITS = {
    "batch_size": (1, 2**31),
    "images_per_step": (1, 2**31),
    "passes": (0, 2**31),
    "images": (0, 10**11),
}


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
        recorded = values.pop(RECORDED)
        record = RunRecord(**recorded)
    except (KeyError, TypeError) as error:
        raise UserError(f"{path}: was not written by this version of sgcampp") from error
    try:
        check_types(recorded, _TYPES)
        check_limits(recorded, _LIMITS)
    except ValueError as error:
        raise UserError(f"{path}: was not written by sgcampp: {error}") from error
    return values, record


def check_base(out: Path, config: RunConfig, record: RunRecord) -> None:
    """Refuses to mix images of two directories in one output tree.

    A key names the files about an image; below another base, another image could have it and
    silently take the first one's place. Images that were moved may go on: then the old base is
    gone.

    Raises:
        UserError: if the output tree is about images below another directory, which still exists.
    """
    base = resolve_sources(config.sources, config.recursive).base
    known = record.base
    if known and os.path.isdir(known) and not os.path.samefile(known, base):  # noqa: PTH112, PTH121
        raise UserError(
            f"{out} is about images below {known}, these are below {base}: choose another output "
            "directory, or --overwrite to start afresh"
        )


def differing_keys(
    config: RunConfig,
    model_fingerprint: str,
    target_sha256: str | None,
    values: Mapping[str, Any],
    record: RunRecord,
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
    if target_sha256 != record.target_sha256:
        differing.append("the classes in the target file")
    return differing
