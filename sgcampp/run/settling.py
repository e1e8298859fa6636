"""Which record a run goes on with, and whether it may go on in this output tree."""

from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sgcampp.config.loading import output_keys
from sgcampp.config.run_config import RunConfig
from sgcampp.engine.ensemble import Ensemble
from sgcampp.engine.sampling import passes_of
from sgcampp.engine.settings import check_batch_size
from sgcampp.errors import UserError
from sgcampp.explain.looks import INPUT, Look
from sgcampp.models.classifier import Classifier
from sgcampp.run.baselines import ReadBaselines
from sgcampp.run.batch_sizes import tuned_batch_size
from sgcampp.run.targets import Targets
from sgcampp.storage.location import locate
from sgcampp.storage.store import Store
from sgcampp.storage.urls import without_secrets
from sgcampp.tree.manifest import part_names
from sgcampp.tree.run_record import RunRecord, read_run_yaml, versions

FREEZE_FROM = 1000
"""Passes in a run from which on frozen weights pay (scripts/bench/startup.py, engine.py)."""

Known = tuple[Mapping[str, Any], RunRecord]
"""What run.yaml says: the run config's values, and what the run settled."""


@dataclass(frozen=True)
class Wanted:
    """What this run would do, before the output tree has its say.

    Attributes:
        config: of the run.
        classifier: loaded.
        targets: the classes to explain.
        total: images in the whole listing.
        base: what keys are relative to; "" for nothing.
        against: what images are held against by methods with a baseline.
        background_sha256: of what images are held against, where they are scanned.
    """

    config: RunConfig
    classifier: Classifier
    targets: Targets
    total: int
    base: str
    against: ReadBaselines
    background_sha256: str | None = None


def known_run(store: Store, wanted: Wanted) -> Known | None:
    """What the output tree's run.yaml says; None where there is no run yet.

    Raises:
        UserError: if the tree holds another run, or maps of unknown making.
    """
    known = read_run_yaml(store)
    if known is None:
        if any(_has_rows(store, part) for part in part_names(store)):
            raise UserError(
                f"{store.shown()} has a manifest but no run.yaml, so nobody knows what made its "
                "maps: choose another output directory"
            )
        return None
    differing = differences(wanted, *known)
    if differing:
        raise UserError(
            f"{store.shown()} holds another run, which differs in {'; '.join(differing)}: choose "
            "another output directory, or --overwrite to start afresh"
        )
    check_base(store.shown(), wanted.base, known[1])
    return known


def differences(wanted: Wanted, values: Mapping[str, Any], record: RunRecord) -> list[str]:
    """What sets a run apart from the one recorded, keys and contents of files."""
    differing = differing_keys(
        wanted.config,
        wanted.classifier.fingerprint,
        wanted.targets.sha256,
        values,
        record,
        wanted.against.sha256,
    )
    if record.background_sha256 != wanted.background_sha256:
        differing.append("the images of the background")
    return differing


def _has_rows(store: Store, part: str) -> bool:
    with store.open_own(part) as file:
        return bool(file.read(1))


def worth_freezing(
    looks: list[Look], input_shape: tuple[int, ...], total: int, record: RunRecord | None
) -> bool:
    """Whether a quicker graph is worth its slower start; as the run's record has it, if any."""
    if record is not None:
        return record.frozen
    return total * passes_of(looks, input_shape) >= FREEZE_FROM


def settled(wanted: Wanted, known: Known | None, ensemble: Ensemble, frozen: bool) -> RunRecord:
    """The record to go on with: that of the output tree if it has one, else made."""
    if known is not None:
        return replace(known[1], images=wanted.total, base=wanted.base)
    batch_size = _batch_size(wanted, ensemble)
    seen = [ensemble.seen[look] for look in ensemble.looks]
    return RunRecord(
        model_fingerprint=wanted.classifier.fingerprint,
        layers=list(dict.fromkeys(of.layer for of in seen)),
        batch_size=batch_size,
        images_per_step=ensemble.lay_out(batch_size, wanted.total).images,
        frozen=frozen,
        images=wanted.total,
        target_sha256=wanted.targets.sha256,
        versions=versions(),
        base=wanted.base,
        piecewise_linear={of.layer: of.bend is None for of in seen if of.layer != INPUT},
        background_sha256=wanted.background_sha256,
        baseline_sha256=wanted.against.sha256,
    )


def check_base(out: str, base: str, record: RunRecord) -> None:
    """Refuses to mix images of two directories in one output tree.

    A key names the files about an image; below another base, another image could have it and
    silently take the first one's place. Images that were moved may go on: then the old base is
    gone.

    Raises:
        UserError: if the output tree is about images below another directory, which still exists.
    """
    known = record.base
    if known and known != base and _is_another(known, base):
        raise UserError(
            f"{out} is about images below {known}, these are below {base}: choose another output "
            "directory, or --overwrite to start afresh"
        )


def _is_another(known: str, base: str) -> bool:
    """Whether what keys were relative to is still there, and not what they are relative to now."""
    try:
        before = locate(known)
        return before.store.stat(before.name).identity != _identity(base)
    except (OSError, UserError, ValueError):
        return False


def _identity(base: str) -> Hashable:
    place = locate(base)
    return place.store.stat(place.name).identity


def differing_keys(
    config: RunConfig,
    model_fingerprint: str,
    target_sha256: str | None,
    values: Mapping[str, Any],
    record: RunRecord,
    baseline_sha256: str | None = None,
) -> list[str]:
    """Keys in which a run differs from the one recorded in its output tree, as `key: old → new`."""
    now = without_secrets(output_keys(asdict(config)))
    differing = [
        f"{name}: {values.get(name)!r} → {value!r}"
        for name, value in now.items()
        if values.get(name) != value
    ]
    if model_fingerprint != record.model_fingerprint:
        differing.append("the model's weights, architecture or preprocessing")
    if target_sha256 != record.target_sha256:
        differing.append("the classes in the target file")
    if baseline_sha256 != record.baseline_sha256:
        differing.append("the baseline's image file")
    return differing


def _batch_size(wanted: Wanted, ensemble: Ensemble) -> int:
    """B as the config has it, or a good one for this device."""
    config = wanted.config
    if config.batch_size != "auto":
        return check_batch_size(config.batch_size)
    key = f"{wanted.classifier.fingerprint} {config.precision} {config.jit}"
    samples = wanted.total * (ensemble.passes + 1)
    return tuned_batch_size(ensemble, wanted.classifier.input_shape, samples, key)
