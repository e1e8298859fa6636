"""Annotations as they are read: what is no object is counted under a word, the rest is kept."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sgcampp.annotations.categories import Categories
from sgcampp.annotations.instances import Instance
from sgcampp.annotations.shapes import Box, Polygons, Shape, Size, View

OVER_THE_EDGE = 1.0
"""Pixels that a box may reach out of its image by rounding."""


@dataclass(frozen=True)
class Dropped:
    """What was left out for one reason.

    Attributes:
        count: how often.
        first: a sentence about the first.
    """

    count: int
    first: str


@dataclass
class AnnotatedImage:
    """What is annotated of one image.

    Attributes:
        size: of the picture that was annotated, where the format tells it.
        instances: its objects.
        mask_file: a picture of its objects, read when asked for; None in other formats.
    """

    size: Size | None = None
    instances: list[Instance] = field(default_factory=list)
    mask_file: Path | None = None


class Gathering:
    """Takes the objects that a reader finds.

    Args:
        categories: what they count as.
    """

    def __init__(self, categories: Categories) -> None:
        self.images: dict[str, AnnotatedImage] = {}
        self.unmapped: Counter[str] = Counter()
        self._categories = categories
        self._classes: dict[str, tuple[int, ...]] = {}
        self._seen: set[tuple[str, str, Shape, bool]] = set()
        self._dropped: dict[str, Dropped] = {}

    @property
    def dropped(self) -> Mapping[str, Dropped]:
        """What was left out, and boxes that were cut at the image's edge, by reason."""
        return self._dropped

    def image(self, name: str, size: Size | None) -> AnnotatedImage:
        """The image of that name; one that was named before keeps its size."""
        known = self.images.setdefault(name, AnnotatedImage(size))
        known.size = known.size or size
        return known

    def drop(self, reason: str, sentence: str) -> None:
        """Counts something under a reason of a few words."""
        known = self._dropped.get(reason, Dropped(0, sentence))
        self._dropped[reason] = Dropped(known.count + 1, known.first)

    def add_box(self, name: str, category: str, box: Box, where: str, crowd: bool = False) -> None:
        """Keeps a box, cut at the edge of its image; counts it if nothing is left of it."""
        if not (box.width > 0 and box.height > 0):
            self.drop("no area", f"{where}: {box} has no area")
            return
        size = self.images[name].size
        inside = box.within(_whole(size))
        if inside is None:
            self.drop("outside of the image", f"{where}: {box} is outside of {_shown(size)}")
            return
        if max(box.height - inside.height, box.width - inside.width) > OVER_THE_EDGE:
            self.drop("cut at the image's edge", f"{where}: {box} reaches out of {_shown(size)}")
        self.add(name, category, inside, where, crowd)

    def add_polygons(
        self, name: str, category: str, polygons: Polygons, where: str, crowd: bool = False
    ) -> None:
        """Keeps polygons unless they have no extent or lie outside of their image."""
        bounds, size = Box(*polygons.bounds), self.images[name].size
        if not (bounds.width > 0 and bounds.height > 0):
            self.drop("no area", f"{where}: the polygon has no area")
        elif bounds.within(_whole(size)) is None:
            self.drop("outside of the image", f"{where}: {bounds} is outside of {_shown(size)}")
        else:
            self.add(name, category, polygons, where, crowd)

    def add(self, name: str, category: str, shape: Shape, where: str, crowd: bool = False) -> None:
        """Keeps an object, once."""
        key = (name, category, shape, crowd)
        if key in self._seen:
            self.drop("stands twice", f"{where}: the same object of {name} stands before")
            return
        self._seen.add(key)
        if category not in self._classes:
            self._classes[category] = self._categories.classes_of(category)
        classes = self._classes[category]
        if not classes:
            self.unmapped[category] += 1
        self.images[name].instances.append(Instance(category, classes, shape, crowd))


def _whole(size: Size | None) -> View:
    """The rectangle of an image, endless to the right and below where its size is not known."""
    height, width = size or (math.inf, math.inf)
    return 0.0, 0.0, height, width


def _shown(size: Size | None) -> str:
    return f"the image of {size[1]}×{size[0]} pixels" if size else "the image"
