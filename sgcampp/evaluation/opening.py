"""What an evaluation stands on: options, the run's own model, boxes, and the images."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sgcampp.annotations.boxes import Annotations, read_annotations
from sgcampp.config.run_config import MODEL_KEYS
from sgcampp.errors import UserError
from sgcampp.evaluation.reference_maps import own_rows, place
from sgcampp.models.classifier import Classifier
from sgcampp.models.loading import load_model
from sgcampp.tree.index import Standing
from sgcampp.tree.open_tree import OutputTree


@dataclass(frozen=True)
class Options:
    """What is asked of an evaluation.

    Attributes:
        preset: of `presets.PRESETS`.
        metrics: by name, in the place of the preset's.
        boxes: annotated objects, see `annotations.boxes`.
        classes: which class indices count as a category.
        against: the method that others are held against; None: Grad-CAM++.
        limit: how many images at most.
        seed: of ties, random maps and partners.
        steps: of curves.
        fill: for pixels taken out, and for the start of an insertion.
        shard: (i, N): every N-th image, from the i-th on.
    """

    preset: str = "standard"
    metrics: Sequence[str] = ()
    boxes: Path | None = None
    classes: Path | None = None
    against: str | None = None
    limit: int | None = None
    seed: int = 0
    steps: int = 20
    fill: Sequence[str] = ("black", "blur")
    shard: tuple[int, int] = (1, 1)


def same_model(tree: OutputTree) -> Classifier:
    """The model of the run; UserError if it is another one today."""
    values = tree.values
    settings = {name: values[name] for name in MODEL_KEYS if values.get(name) is not None}
    classifier = load_model(str(values.get("model")), **settings)
    if classifier.fingerprint != tree.record.model_fingerprint:
        raise UserError(
            f"{values.get('model')} is not the model that made the maps of {tree.store.shown()}: "
            "its weights, architecture or preprocessing have changed"
        )
    return classifier


def annotations_of(options: Options, classifier: Classifier) -> Annotations | None:
    """The annotated objects that the options name, or None; UserError as `read_annotations`."""
    if options.boxes is None:
        if options.classes is not None:
            raise UserError("classes says which classes boxes are of: give boxes too")
        return None
    labels = [classifier.class_name(index) for index in range(classifier.class_count)]
    return read_annotations(options.boxes, options.classes, labels)


def keys_and_maps(tree: OutputTree, limit: int | None) -> tuple[list[str], int, int]:
    """The keys of the images to evaluate in their order; how many maps, and places, they have.

    A place is a layer, a class and settings of an image: it has reference maps of its own.
    """
    if "arrays" not in (tree.values.get("write") or []):
        raise UserError(
            f"{tree.store.shown()} has no arrays to evaluate: explain again with --write arrays"
        )
    with tree.index() as index:
        keys = sorted(row.key for row in index.rows() if index.standing(row.key)[0] is Standing.OK)
        keys = keys[:limit]
        rows = [row for key in keys if (row := index.row(key)) is not None]
    maps = sum(len(row.maps) for row in rows)
    places = sum(len({place(own) for own, _ in own_rows(row)}) for row in rows)
    if not maps:
        raise UserError(f"{tree.store.shown()} has no map to evaluate")
    return keys, maps, places


def identity(path: Path | None) -> list[str | None] | None:
    """A path and the SHA-256 of the file there."""
    if path is None:
        return None
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    return [os.path.abspath(path), digest]  # noqa: PTH100 - without following links
