"""Which feature maps and neurons of a layer are looked at."""

import numbers
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError, is_whole


@dataclass(frozen=True)
class Selection:
    """A subset of a layer's feature maps and neurons; checked against a layer by `neurons`.

    Attributes:
        filters: feature maps k that bound all equations, a tuple of whole numbers, or None for
            all. Given as `top8` it leaves None here: those eight with the largest weight w^k.
        region: whether `subset` is the two corners of an inclusive box, or a list of neurons.
        subset: (row, column) pairs, or None for all neurons.
        top: N of `topN`, or None.

    Raises:
        UserError: for values of the wrong shape or type, duplicates, or region without corners.
    """

    filters: Any = None
    region: bool = False
    subset: Sequence[Sequence[int]] | None = None
    top: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "top", _top(self.filters))
        chosen = None if self.top else _whole_numbers(self.filters)
        object.__setattr__(self, "filters", chosen)
        object.__setattr__(self, "subset", _pairs(self.subset))
        if self.region and (self.subset is None or len(self.subset) != 2):
            raise UserError(
                "region needs subset to be the two corners of a box, like [(0, 10), (12, 12)], "
                f"but subset is {_shown(self.subset)}"
            )

    @property
    def of_filters(self) -> bool:
        """Whether some feature maps are looked at one by one."""
        return self.filters is not None or self.top is not None

    def check_filters(self, feature_maps: int, layer: str) -> None:
        """Raises UserError for a feature map that the layer does not have."""
        if (self.top or 0) > feature_maps:
            raise UserError(
                f"filters is top{self.top}, but layer {layer!r} has {feature_maps} feature maps"
            )
        for k in self.filters or ():
            if not 0 <= k < feature_maps:
                raise UserError(
                    f"filters has {k}, but layer {layer!r} has {feature_maps} feature maps, "
                    f"0 to {feature_maps - 1}"
                )

    def of_maps(self, feature_maps: int) -> NDArray[np.bool_]:
        """The chosen ones of K feature maps, bool [K]."""
        chosen = np.full(feature_maps, self.filters is None)
        chosen[list(self.filters or ())] = True
        return chosen

    def neurons(self, height: int, width: int, layer: str) -> NDArray[np.bool_]:
        """The chosen neurons of a layer.

        Args:
            height: h of the layer.
            width: w of the layer.
            layer: its name, for the error.

        Returns:
            bool [h, w], True for a chosen neuron.

        Raises:
            UserError: for a neuron outside the layer; names the layer's size.
        """
        if self.subset is None:
            return np.ones((height, width), bool)
        for row, column in self.subset:
            if not (0 <= row < height and 0 <= column < width):
                raise UserError(
                    f"subset has neuron ({row}, {column}), but layer {layer!r} has {height} rows "
                    f"and {width} columns: (0, 0) to ({height - 1}, {width - 1})"
                )
        chosen = np.zeros((height, width), bool)
        rows, columns = np.array(self.subset).T
        if self.region:
            chosen[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
        else:
            chosen[rows, columns] = True
        return chosen


def _top(filters: Any) -> int | None:
    """N of `topN`, bare or as the only one of a list; None for anything else."""
    several = isinstance(filters, (list, tuple)) and len(filters) == 1
    one = filters[0] if several else filters
    match = re.fullmatch(r"top([1-9]\d{0,4})", one) if isinstance(one, str) else None
    return int(match[1]) if match else None


def _whole_numbers(filters: Any) -> tuple[int, ...] | None:
    if filters is None:
        return None
    if isinstance(filters, (str, bytes, numbers.Number)) or not len(filters):
        raise UserError(
            f"filters is {filters!r}, accepted: a list of feature maps like [10, 32, 3], or top8"
        )
    if not all(map(is_whole, filters)):
        raise UserError(f"filters is {list(filters)!r}, accepted: whole numbers, or top8")
    if len(set(filters)) < len(filters):
        raise UserError(f"filters is {list(filters)!r}: a feature map is named twice")
    return tuple(int(k) for k in filters)


def _pairs(subset: Sequence[Sequence[int]] | None) -> tuple[tuple[int, int], ...] | None:
    if subset is None:
        return None
    accepted = "accepted: (row, column) pairs of whole numbers like [(0, 10), (12, 12)]"
    if isinstance(subset, (str, bytes, numbers.Number)) or not len(subset):
        raise UserError(f"subset is {subset!r}, {accepted}")
    for pair in subset:
        whole = (
            not isinstance(pair, (str, bytes, numbers.Number))
            and len(pair) == 2
            and all(map(is_whole, pair))
        )
        if not whole:
            raise UserError(f"subset has {pair!r}, {accepted}")
    return tuple((int(row), int(column)) for row, column in subset)


def _shown(subset: Sequence[Sequence[int]] | None) -> str:
    return "missing" if subset is None else str(list(subset))
