"""Which class is explained: the model's own choice by rank, or a class by index, wnid or name.

A target becomes class codes, one a map: c >= 0 is class c; -r is the class of the r-th highest
score on the clean image. The engine resolves ranks on the device and holds the class for all the
image's noised samples.
"""

import re
from collections.abc import Sequence
from typing import Any

from sgcampp.errors import UserError
from sgcampp.models.labels import Label, find_label


def class_codes(target: Any, labels: Sequence[Label] | None) -> tuple[int, ...]:
    """Class codes of a target.

    Args:
        target: `argmax`, `topN`, a class index, a wnid or a label.
        labels: the model's labels, where known.

    Returns:
        One code a map: -1 … -N for ranks, or one class index.

    Raises:
        UserError: for a class that the labels do not have, with the nearest names.
    """
    text = str(target).strip()
    if text == "argmax":
        return (-1,)
    top = re.fullmatch(r"top([1-9]\d{0,3})", text)
    if top:
        return tuple(-rank for rank in range(1, int(top[1]) + 1))
    if re.fullmatch(r"\d+", text):
        return (int(text),)
    if labels is None:
        raise UserError(
            f"target is {text!r}, but the model has no labels: give a class index, argmax, "
            "or top3, or a labels file"
        )
    return (find_label(labels, text),)


def check_codes(codes: Sequence[int], classes: int) -> None:
    """Raises UserError for a class or a rank that a model of `classes` classes does not have."""
    lowest, highest = min(codes), max(codes)
    if highest >= classes:
        raise UserError(
            f"class {highest} does not exist: the model has {classes} classes, 0 to {classes - 1}"
        )
    if lowest < -classes:
        raise UserError(f"top{-lowest} asks for more than the model's {classes} classes")
