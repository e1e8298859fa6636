"""What is asked of the model: its own choice by rank, classes by name, or one against another.

A target becomes class codes (see `classes`), one a map.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from sgcampp.errors import UserError
from sgcampp.explain.classes import NO_CLASS
from sgcampp.models.labels import Label, find_label

Code = tuple[int, int]
"""A class, and the one that counts against it or NO_CLASS."""

MOST = 1000
"""Classes an image at most."""
VERSUS = "-vs-"


def class_codes(target: Any, labels: Sequence[Label] | None) -> tuple[Code, ...]:
    """Class codes of a target, or of several.

    Args:
        target: `argmax`, `topN`, a class index, a wnid or a label; `A-vs-B` of two such; or a
            sequence of these.
        labels: the model's labels, where known.

    Returns:
        One code a map, without repetition.

    Raises:
        UserError: for a class that the labels do not have, with the nearest names.
    """
    several = target if isinstance(target, (list, tuple)) else [target]
    codes = tuple(dict.fromkeys(code for one in several for code in _codes(one, labels)))
    if not codes:
        raise UserError("target is empty, accepted: argmax, top3, a class, or several of them")
    return codes


def _codes(target: Any, labels: Sequence[Label] | None) -> list[Code]:
    text = str(target).strip()
    top = re.fullmatch(r"top([1-9]\d{0,3})", text)
    if top:
        if int(top[1]) > MOST:
            raise UserError(f"target is {text!r}, accepted: at most top{MOST}")
        return [(-rank, NO_CLASS) for rank in range(1, int(top[1]) + 1)]
    if VERSUS in text:
        return [_contrast(text, labels)]
    return [(_code(text, labels), NO_CLASS)]


def _contrast(text: str, labels: Sequence[Label] | None) -> Code:
    """`A-vs-B`; in it `topN` is the class of the N-th highest score alone."""
    parts = [part.strip() for part in text.split(VERSUS)]
    if len(parts) != 2 or not all(parts):
        raise UserError(f"target is {text!r}, accepted: two classes, like tabby{VERSUS}tiger_cat")
    ranks = [re.fullmatch(r"top([1-9]\d{0,3})", part) for part in parts]
    first, second = (
        -int(rank[1]) if rank else _code(part, labels)
        for part, rank in zip(parts, ranks, strict=True)
    )
    if first == second:
        raise UserError(f"target is {text!r}: both are the same class, accepted: two classes")
    return first, second


def _code(text: str, labels: Sequence[Label] | None) -> int:
    if text == "argmax":
        return -1
    if re.fullmatch(r"\d+", text):
        if int(text) > np.iinfo(np.int32).max:
            raise UserError(f"class {text:.40} does not exist: its number is too large")
        return int(text)
    if labels is None:
        raise UserError(
            f"target is {text!r}, but the model has no labels: give a class index, argmax, "
            "or top3, or a labels file"
        )
    return find_label(labels, text)
