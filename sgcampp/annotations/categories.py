"""Which of a model's classes an annotated category counts as."""

import csv
from collections.abc import Sequence
from pathlib import Path

from sgcampp.errors import UserError, nearest

_HEADER = ("category", "class_idx")


class Categories:
    """The classes that each category of the annotations counts as.

    Args:
        labels: the model's class names, in the order of its outputs.
        mapping: categories to class indices, from `read_classes`; None: a category counts as the
            class whose name it is, or whose index; several classes may have one name.
    """

    def __init__(
        self, labels: Sequence[str], mapping: dict[str, tuple[int, ...]] | None = None
    ) -> None:
        self._mapping = mapping
        self._count = len(labels)
        self._labels = tuple(labels)
        self._by_name: dict[str, tuple[int, ...]] = {}
        for index, label in enumerate(labels):
            name = _folded(label)
            self._by_name[name] = (*self._by_name.get(name, ()), index)

    def classes_of(self, category: str) -> tuple[int, ...]:
        """The class indices it counts as, none for an unknown one."""
        if self._mapping is not None:
            return self._mapping.get(_folded(category), ())
        return self.named(category)

    def named(self, word: str) -> tuple[int, ...]:
        """The classes of that name, else the class of that index; case and `_` do not matter."""
        name = _folded(word)
        if name in self._by_name:
            return self._by_name[name]
        index = int(name) if name.isascii() and name.isdecimal() and len(name) < 10 else -1
        return (index,) if 0 <= index < self._count else ()

    def nearest(self, category: str) -> str:
        """What else a category could mean, for an error."""
        return nearest(category, self._labels if self._mapping is None else self._mapping)


def read_classes(path: str | Path, labels: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Reads a CSV that says which classes a category counts as, such as `dog,151`.

    A line is `category,class_idx`, the header may be there or not; a category on several lines
    counts as all those classes. A class may be given by its name in place of its index.

    Raises:
        UserError: for a file that can't be read or has no line, and for a line that is no pair or
            names no class of the model.
    """
    words = Categories(labels)
    mapping: dict[str, tuple[int, ...]] = {}
    for number, cells in _lines(path):
        if tuple(cell.casefold() for cell in cells) == _HEADER:
            continue
        if len(cells) != 2 or not all(cells):
            raise UserError(f"{path}: line {number} is not `category,class_idx`")
        classes = words.named(cells[1])
        if not classes:
            raise UserError(
                f"{path}: line {number}: {cells[1]!r:.200} is no class; accepted are indices "
                f"0..{len(labels) - 1} and the model's class names{nearest(cells[1], labels)}"
            )
        known = mapping.get(_folded(cells[0]), ())
        mapping[_folded(cells[0])] = known + tuple(c for c in classes if c not in known)
    if not mapping:
        raise UserError(f"{path}: has no line; a line is `category,class_idx`, such as dog,151")
    return mapping


def _lines(path: str | Path) -> list[tuple[int, list[str]]]:
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            return [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text") from error
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num}: {error}") from error


def _folded(text: str) -> str:
    return " ".join(text.replace("_", " ").split()).casefold()
