"""Annotated objects of an image, seen through the model's view."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgcampp.annotations.shapes import Mask, Shape, Size, View


class AnnotationFault(Exception):
    """One image's annotation can't be used; the others can.

    Attributes:
        reason: a few words to count it under: `size differs`, `mask can't be read`.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True)
class Instance:
    """One annotated object.

    Attributes:
        category: as annotated; None in masks without categories.
        classes: the class indices that it counts as; None: whichever class is explained.
        shape: its outline.
        crowd: a region of many objects (COCO's iscrowd): part of the class's area, as where a
            pointing game may hit, but no object to be counted.
    """

    category: str | None
    classes: tuple[int, ...] | None
    shape: Shape
    crowd: bool = False

    def counts_as(self, class_idx: int) -> bool:
        """Whether it is an object of that class."""
        return self.classes is None or class_idx in self.classes

    def mask(self, view: View, size: Size) -> Mask:
        """Its cells of a grid over the view, bool [h,w]; see `shapes` for the convention."""
        return self.shape.mask(view, size)

    def cut_off(self, view: View) -> float:
        """The share of it outside of the view, 0 to 1."""
        return self.shape.cut_off(view)


@dataclass(frozen=True, eq=False)
class Seen:
    """The objects of one class that the model could see.

    Attributes:
        masks: bool [k,h,w], over the view; none is empty.
        crowd: bool [k], whether the mask is a region of many objects.
        cut_off: float64 [k], the share of each that the crop cut off.
        cut_away: how many lie outside of the view whole; they are not among the masks.
        too_small: how many are in the view and cover no cell's centre; not among them either.
        others: how many are of other classes.
    """

    masks: Mask
    crowd: NDArray[np.bool_]
    cut_off: NDArray[np.float64]
    cut_away: int
    too_small: int
    others: int


def seen(instances: Sequence[Instance], class_idx: int, view: View, size: Size) -> Seen:
    """The objects of a class through the run's recorded view.

    Args:
        instances: of one image, from `Annotations.of`.
        class_idx: the class explained.
        view: in pixels of the upright image.
        size: (h,w) of the grid over the view, such as that of the model's input.
    """
    of_class = [one for one in instances if one.counts_as(class_idx)]
    shares = [one.cut_off(view) for one in of_class]
    inside = [(one, share) for one, share in zip(of_class, shares, strict=True) if share < 1]
    masks = [one.mask(view, size) for one, _ in inside]
    kept = [i for i, mask in enumerate(masks) if mask.any()]
    return Seen(
        masks=np.array([masks[i] for i in kept], np.bool_).reshape(-1, *size),
        crowd=np.array([inside[i][0].crowd for i in kept], np.bool_),
        cut_off=np.array([inside[i][1] for i in kept], np.float64),
        cut_away=len(of_class) - len(inside),
        too_small=len(inside) - len(kept),
        others=len(instances) - len(of_class),
    )
