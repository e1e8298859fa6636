"""Which classes of which image a run explains: the same for all, by probability, or from a CSV."""

import csv
import hashlib
import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.tap import head_of
from sgcampp.errors import UserError
from sgcampp.explain.classes import NO_CLASS, check_codes
from sgcampp.explain.targets import Code, class_codes
from sgcampp.images.faults import ImageError, Reason
from sgcampp.images.items import Found
from sgcampp.models.classifier import Classifier
from sgcampp.storage.location import read_named
from sgcampp.storage.urls import redacted

LABEL = "label"
"""The target that stands for the class that its source names for each image."""
MOST_ABOVE = 20
"""Classes an image, at most, that are explained for a threshold."""


@dataclass(frozen=True)
class Targets:
    """The classes to explain.

    Attributes:
        codes: of every image (see `explain.classes`); with `by_image` one for each takes its place.
        above: explain a class only if its probability is larger; None: whatever it is.
        by_image: code of each image, by its key or its file's name; None: the same for all.
        by_label: from a label to its code; images have theirs from their source.
        file: of `by_image`.
        sha256: of that file.
    """

    codes: tuple[Code, ...]
    above: float | None = None
    by_image: dict[str, Code] | None = field(default=None, repr=False)
    by_label: Callable[[str], Code] | None = None
    file: str | None = None
    sha256: str | None = None

    @property
    def classes(self) -> int:
        """T, classes an image."""
        return len(self.codes)

    def of(self, found: Found) -> NDArray[np.int32]:
        """Class codes int32 [T, 2] of an image; ImageError if nothing names one for it."""
        key = found.key
        if self.by_label is not None:
            return np.array([self._labelled(found.label)], np.int32)
        if self.by_image is None:
            return np.array(self.codes, np.int32)
        code = self.by_image.get(key, self.by_image.get(key.rpartition("/")[2]))
        if code is None:
            raise ImageError(Reason.NO_TARGET, f"{self.file} names no class for this image")
        return np.array([code], np.int32)

    def _labelled(self, label: str | None) -> Code:
        if self.by_label is None or label is None:
            raise ImageError(Reason.NO_TARGET, "its source names no class for it")
        try:
            return self.by_label(label)
        except UserError as error:
            raise ImageError(Reason.NO_TARGET, f"its class: {error}") from error

    def word(self, t: int) -> str:
        """The t-th class in a file's name: `top2`, `class281`, `top1-vs-class282`."""
        first, second = self.codes[t]
        return _word(first) if second == NO_CLASS else f"{_word(first)}-vs-{_word(second)}"


def read_targets(target: Sequence[str | int], classifier: Classifier) -> Targets:
    """The classes that a config's `target` means for a model.

    Args:
        target: as the config has it.
        classifier: brings the labels.

    Raises:
        UserError: for a class that the model does not have, a threshold that makes no sense, or a
            file that can't be read, with the number of its line.
    """
    first = str(target[0]).strip()
    special = first.startswith("p>") or first.lower().endswith(".csv") or first == LABEL
    if special and len(target) > 1:
        raise UserError(f"target has {first!r} among others, accepted: that one alone")
    if first.startswith("p>"):
        return _above(first, classifier)
    if first == LABEL:
        return Targets(((0, NO_CLASS),), by_label=cache(partial(_one_code, classifier=classifier)))
    if special:
        return _from_csv(first, classifier)
    codes = class_codes(list(target), classifier.labels)
    check_codes(np.array(codes), classifier.class_count)
    return Targets(codes)


def _above(text: str, classifier: Classifier) -> Targets:
    match = re.fullmatch(r"p>\s*(0?\.\d+|0)", text)
    if not match:
        raise UserError(f"target is {text!r}, accepted: p>0 to p>0.99…, such as p>0.2")
    threshold = float(match[1])
    head = head_of(classifier.model, classifier.input_shape, classifier.output_name)
    if head is None:
        raise UserError(
            f"target is {text!r}, but the model's head is neither a softmax nor a sigmoid, so it "
            "gives no probabilities: choose top3 or classes"
        )
    most = min(MOST_ABOVE, classifier.class_count)
    if head == "Softmax" and threshold > 0:
        most = min(most, max(1, math.ceil(1 / threshold) - 1))
    return Targets(tuple((-rank, NO_CLASS) for rank in range(1, most + 1)), threshold)


def _from_csv(named: str, classifier: Classifier) -> Targets:
    data, path = read_named(named, "target file"), redacted(named)
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        by_image = _codes_of_rows(rows, path, classifier)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"target file {path} is no CSV in UTF-8: {error}") from error
    if not by_image:
        raise UserError(f"target file {path} names no image")
    digest = hashlib.sha256(data).hexdigest()
    return Targets(((0, NO_CLASS),), by_image=by_image, file=path, sha256=digest)


def _codes_of_rows(rows: csv.DictReader, path: str, classifier: Classifier) -> dict[str, Code]:
    missing = {"image", "class"} - set(rows.fieldnames or ())
    if missing:
        raise UserError(f"target file {path} has no column {' and no column '.join(missing)}")
    by_image: dict[str, Code] = {}
    known: dict[str, Code] = {}
    for row in rows:
        where = f"target file {path}, line {rows.line_num}"
        image, name = (row["image"] or "").strip(), (row["class"] or "").strip()
        if not image or not name:
            raise UserError(f"{where}: accepted is an image and its class")
        if image in by_image:
            raise UserError(f"{where}: image {image!r} stands there twice")
        if name not in known:
            try:
                known[name] = _one_code(name, classifier)
            except UserError as error:
                raise UserError(f"{where}: {error}") from error
        by_image[image] = known[name]
    return by_image


def _one_code(name: str, classifier: Classifier) -> Code:
    codes = class_codes(name, classifier.labels)
    check_codes(np.array(codes), classifier.class_count)
    if len(codes) > 1:
        raise UserError(f"{name!r} are several classes, accepted: one an image")
    return codes[0]


def _word(code: int) -> str:
    return f"class{code}" if code >= 0 else f"top{-code}"
