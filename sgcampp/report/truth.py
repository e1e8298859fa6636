"""What images are labelled as, by folder, source or file, and what they are taken for."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from sgcampp.errors import UserError
from sgcampp.models.labels import Label, find_label, imagenet_labels, read_labels
from sgcampp.models.names import is_model_path
from sgcampp.storage.location import read_named
from sgcampp.storage.urls import redacted
from sgcampp.tree.open_tree import OutputTree
from sgcampp.tree.rows import MapRow, Row

AUTO, FOLDER, LABEL, NONE = "auto", "folder", "label", "none"
OWN_CHOICE = re.compile(r"argmax|top[1-9]\d*|(argmax|top1)-vs-.+|p>.+")
"""Targets whose first class is the one that the model gives the highest score."""

Class = tuple[int | None, str | None]
"""(index, name) of a class, as rows have it."""


@dataclass(frozen=True)
class Verdict:
    """What is known of one image.

    Attributes:
        label: the name of the class that it is labelled as.
        taken: that of the class that the model took it for, if the run says so.
        right: whether the two are the same class; None without `taken`.
    """

    label: str
    taken: str | None = None
    right: bool | None = None


class Truth:
    """The labels of a tree's images.

    Texts are looked up first, as rows pass; when all have passed, `settle` makes classes of them.

    Args:
        tree: the output tree.
        named: `folder`, `label` (the class that the image's source names), `none`, a CSV file of
            images and classes, or `auto`: list files' classes, else folders if each of them is
            called as a class of the model.

    Attributes:
        unknown: images by those labels that no class of the model is called, or several are.

    Raises:
        UserError: for a file that can't be read, or sources that name no classes.
    """

    def __init__(self, tree: OutputTree, named: str = AUTO) -> None:
        self._text_of = _texts(tree, named)
        self._strict = named == AUTO and self._text_of is _folder
        self._is_own_choice = _is_own_choice(tree)
        self._tree = tree
        self._texts: Counter[str | None] = Counter()
        self._classes: dict[str | None, tuple[int, str]] = {}
        self.unknown: Counter[str] = Counter()
        self._asked = named not in {AUTO, NONE}

    @property
    def labelled(self) -> tuple[int, int] | None:
        """Images with a label, and all; None where labels were not asked for and none is known."""
        count = sum(self._texts[text] for text in self._classes)
        return (count, self._texts.total()) if count or self._asked else None

    def text(self, row: Row) -> str | None:
        """What stands for an image's class, whatever it means."""
        return self._text_of(row.key)

    def taken(self, row: Row) -> Class | None:
        """The class that the model gives the highest score, if the run explained it first."""
        if not self._is_own_choice or not row.maps or row.maps[0].class_idx is None:
            return None
        return row.maps[0].class_idx, row.maps[0].class_name

    def note(self, row: Row) -> None:
        """Takes in the label of one image."""
        self._texts[self.text(row)] += 1

    def settle(self, seen: Iterable[Class]) -> None:
        """Makes classes of all labels.

        Args:
            seen: the classes that the run explained.
        """
        labels = _labels(self._tree, seen)
        found = {text: _found(text, labels) for text in self._texts if text}
        missing = [text for text, one in found.items() if one is None]
        if self._strict and (missing or None in self._texts or not _has_names(found, labels)):
            return
        self._classes = {text: one for text, one in found.items() if one is not None}
        self.unknown = Counter({text: self._texts[text] for text in missing})

    def known(self, text: str | None, taken: Class | None) -> Verdict | None:
        """What a label, and what the image was taken for, mean together."""
        if text not in self._classes:
            return None
        index, name = self._classes[text]
        if taken is None:
            return Verdict(name)
        return Verdict(name, taken[1] or f"class {taken[0]}", taken[0] == index)

    def of(self, row: Row) -> Verdict | None:
        """What is known of one image; None without a label."""
        return self.known(self.text(row), self.taken(row))


def explains_the_choice(row: Row, one: MapRow) -> bool:
    """Whether a map is about the same as its image's first: the class that it was taken for."""
    first = row.maps[0]
    same = one.class_idx == first.class_idx
    return same and (one.against_idx is None) == (first.against_idx is None)


def _texts(tree: OutputTree, named: str) -> Callable[[str], str | None]:
    if named == NONE:
        return lambda key: None
    if named == FOLDER:
        return _folder
    if named == AUTO:
        by_key = _of_lists(tree)
        return by_key.get if by_key else _folder
    if named == LABEL:
        by_key = tree.labels(of_lists=False)
        if not by_key:
            raise UserError("truth is 'label', but the run's sources are gone or name no classes")
        return by_key.get
    by_name = _from_csv(named)
    return lambda key: by_name.get(key, by_name.get(key.rpartition("/")[2]))


def _of_lists(tree: OutputTree) -> dict[str, str]:
    try:
        return tree.labels(of_lists=True)
    except UserError:
        return {}


def _folder(key: str) -> str | None:
    return key.rpartition("/")[0].rpartition("/")[2] or None


def _is_own_choice(tree: OutputTree) -> bool:
    target = tree.values.get("target")
    first = target[0] if isinstance(target, list) and target else target
    return OWN_CHOICE.fullmatch(str(first).strip()) is not None


def _labels(tree: OutputTree, seen: Iterable[Class]) -> list[Label]:
    """The model's classes; those that the run explained where nothing else names them."""
    known = {index: name for index, name in seen if index is not None}
    named, model = tree.values.get("labels"), tree.values.get("model")
    labels: tuple[Label, ...] = ()
    if isinstance(named, str):
        with suppress(UserError):  # a file that has gone
            labels = read_labels(named)
    elif isinstance(model, str) and not is_model_path(model):
        labels = imagenet_labels()
    if labels and all(i < len(labels) and n in (None, labels[i].name) for i, n in known.items()):
        return list(labels)
    return [Label(i, None, known.get(i) or f"class {i}") for i in range(max(known, default=-1) + 1)]


def _found(text: str | None, labels: list[Label]) -> tuple[int, str] | None:
    if text is None:
        return None
    try:
        index = find_label(labels, text)
    except UserError:
        return None
    return index, labels[index].name


def _has_names(found: dict[str, tuple[int, str] | None], labels: list[Label]) -> bool:
    """Whether labels are words: folders called 1, 2, 3 need not be classes."""
    names = {one[1] for one in found.values() if one is not None}
    return len(names) > 1 and not all(text.isdecimal() for text in found)


def _from_csv(named: str) -> dict[str, str]:
    data, path = read_named(named, "file of labels"), redacted(named)
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        if not {"image", "class"} <= set(rows.fieldnames or ()):
            raise UserError(f"file of labels {path} has no columns image and class")
        pairs = [(row["image"] or "", row["class"] or "") for row in rows]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"file of labels {path} is no CSV in UTF-8: {error}") from error
    return {image.strip(): name.strip() for image, name in pairs if image.strip() and name.strip()}
