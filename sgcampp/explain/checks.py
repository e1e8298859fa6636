"""What can be asked of methods and layers, checked before a model is loaded."""

import math
import numbers
from collections.abc import Sequence
from typing import Any

from sgcampp.errors import UserError, check_whole, is_whole
from sgcampp.explain.choices import Choices
from sgcampp.explain.methods import METHODS, Method
from sgcampp.explain.selection import Selection

MOST_SAMPLES = 1_000_000
MAX_SEED = 2**63 - 1
MOST_TOKENS = 10_000
"""Rows, and columns, of patches."""


def check_noise(nsamples: Any, std_dev: Any, seed: Any) -> None:
    """Raises UserError unless 0 <= nsamples <= 10^6, std_dev >= 0 and finite, 0 <= seed < 2^63."""
    check_whole("nsamples", nsamples, 0, MOST_SAMPLES, "from 0 to 10^6")
    number = isinstance(std_dev, numbers.Real) and not isinstance(std_dev, bool)
    if not number or not math.isfinite(std_dev) or std_dev < 0:
        raise UserError(f"std_dev is {std_dev!r}, accepted: a finite number >= 0")
    check_whole("seed", seed, 0, MAX_SEED, "from 0 to 2^63 - 1")


def grid_of(tokens: Sequence[int] | None) -> tuple[int, int] | None:
    """Rows and columns of patches; UserError unless they are two whole numbers from 1 on."""
    if tokens is None:
        return None
    sides: list[Any] = list(tokens) if isinstance(tokens, (list, tuple)) else [tokens]
    if len(sides) != 2 or not all(is_whole(side) and 1 <= side <= MOST_TOKENS for side in sides):
        raise UserError(
            f"tokens is {tokens!r:.50}, accepted: rows and columns of patches, such as 14,14"
        )
    return int(sides[0]), int(sides[1])


def refuse_missing(methods: list[Method]) -> None:
    """Raises UserError for a method whose packages are not installed."""
    for method in methods:
        method.check_installed()


def refuse_sign(sign: str, methods: list[Method]) -> None:
    """Raises UserError for a sign that no map of the methods has."""
    if sign == "own" or any(method.sign for method in methods):
        return
    names = ", ".join(method.name for method in methods)
    signed = ", ".join(name for name, method in METHODS.items() if method.sign)
    raise UserError(
        f"sign is {sign!r}, but the maps of {names} have no sign: leave it out, or add one of "
        f"{signed}"
    )


def refuse_selection(selection: Selection, choices: Choices, methods: list[Method]) -> None:
    """Raises UserError for feature maps or neurons that none, or one, of the methods can choose."""
    chosen = selection.of_filters or selection.subset is not None
    if chosen and not any(method.at_layer for method in methods):
        names = ", ".join(method.name for method in methods)
        raise UserError(
            f"filters and subset choose in a layer, but {names} looks at the input: leave them "
            "out, or add a method that looks at a layer"
        )
    if selection.top is None:
        return
    without = [method.name for method in methods if method.at_layer and not method.weighs]
    if without:
        raise UserError(
            f"filters is top{selection.top}, but {', '.join(without)} has no weight for a feature "
            "map: name feature maps, or take a method such as grad_cam_pp"
        )
    if choices.average == "maps":
        raise UserError(
            f"filters is top{selection.top}, but with average=maps each sample has weights of its "
            "own: name feature maps, or take average=derivatives"
        )
