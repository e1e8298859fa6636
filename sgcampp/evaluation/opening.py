"""What an evaluation stands on: options, the run's own model, boxes, and the images."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sgcampp.annotations.boxes import Annotations, read_annotations
from sgcampp.config.keys import MODEL_KEYS
from sgcampp.errors import UserError
from sgcampp.evaluation.reference_maps import codes_of, own_rows, place
from sgcampp.evaluation.request import check_numbers
from sgcampp.evaluation.rows import Series
from sgcampp.metrics.catalogue import REFERENCES
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
        retry_failed: measures images again of which something failed before.
        batch_size: B, masked images scored at a time; None: the run's, 16 at least.
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
    retry_failed: bool = False
    batch_size: int | None = None


@dataclass(frozen=True)
class Contents:
    """What of an output tree is evaluated.

    Attributes:
        keys: of the images, in their order.
        classes: the first class explained in each, -1 for none.
        series: how many maps there are of each.
        places: how many there are; a place is a layer, a class and settings of an image, and has
            reference maps of its own.
        targets: classes explained in an image, at most.
    """

    keys: list[str]
    classes: list[int]
    series: Counter[Series]
    places: int
    targets: int

    @property
    def maps(self) -> int:
        """How many maps there are, reference maps aside."""
        return self.series.total()


def check_options(options: Options) -> None:
    """Raises UserError for a setting out of range."""
    check_numbers(
        options.steps, options.seed, options.limit, list(options.fill), options.batch_size
    )


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


def contents_of(tree: OutputTree, limit: int | None) -> Contents:
    """What of a tree is evaluated: at most so many images.

    Raises:
        UserError: for a tree without arrays, or without a map.
    """
    if "arrays" not in (tree.values.get("write") or []):
        raise UserError(
            f"{tree.store.shown()} has no arrays to evaluate: explain again with --write arrays"
        )
    with tree.index() as index:
        keys = sorted(row.key for row in index.rows() if index.standing(row.key)[0] is Standing.OK)
        keys = keys[:limit]
        rows = [row for key in keys if (row := index.row(key)) is not None]
    series: Counter[Series] = Counter()
    places = 0
    for row in rows:
        own = [measured for measured, _ in own_rows(row)]
        series.update(measured.series for measured in own)
        places += len({place(measured) for measured in own})
    if not series:
        raise UserError(f"{tree.store.shown()} has no map to evaluate")
    codes = [codes_of(row) for row in rows]
    classes = [int(of_image[0, 0]) if len(of_image) else -1 for of_image in codes]
    return Contents(keys, classes, series, places, max(map(len, codes)))


def check_against(method: str | None, contents: Contents) -> None:
    """Raises UserError for a method to hold others against of which there is no map."""
    there = [*sorted({one.method for one in contents.series}), *REFERENCES]
    if method is not None and method not in there:
        raise UserError(
            f"against is {method!r:.100}, of which there is no map; accepted: {', '.join(there)}"
        )


def identity(path: Path | None) -> list[str | None] | None:
    """A path and the SHA-256 of the file there."""
    if path is None:
        return None
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    return [os.path.abspath(path), digest]  # noqa: PTH100 - without following links
