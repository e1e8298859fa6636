"""Which feature maps weigh most by class, over the images of a run with `filters: topN`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sgcampp.errors import UserError
from sgcampp.tree.rows import MapRow, Row
from sgcampp.tree.words import class_words

MOST_FILTERS = 8
"""Feature maps of a class that are listed."""
MOST_IMAGES = 4
"""Images of a feature map that are listed."""


@dataclass(frozen=True, order=True)
class Driven:
    """An image that a feature map weighs much in; smaller is more.

    Attributes:
        less: minus its share of the weights in that image.
        key: of the image.
        picture: path of the map of this feature map in it, below OUT; None where none was drawn.
    """

    less: float
    key: str
    picture: str | None = field(compare=False)

    @property
    def share(self) -> float:
        """Of the image's topN weights, 0 to 1."""
        return -self.less


@dataclass
class Standing:
    """What a feature map is worth in a class.

    Attributes:
        number: k.
        total: sum of its shares over the class's images.
        images: in which it is among the topN.
        driven: those where its share is largest.
    """

    number: int
    total: float = 0.0
    images: int = 0
    driven: list[Driven] = field(default_factory=list)

    def add(self, one: Driven) -> None:
        """Takes in one image."""
        self.total += one.share
        self.images += 1
        self.driven = sorted([*self.driven, one])[:MOST_IMAGES]


@dataclass
class OfClass:
    """The feature maps of one class, by one method at one layer.

    Attributes:
        method: its name.
        layer: address.
        words: the class's name.
        images: of the class.
        standings: by feature map.
    """

    method: str
    layer: str
    words: str
    images: int = 0
    standings: dict[int, Standing] = field(default_factory=dict)

    def ranked(self) -> list[tuple[float, Standing]]:
        """(mean share over the class's images, feature map), the largest first."""
        every = [(one.total / self.images, one) for one in self.standings.values()]
        return sorted(every, key=lambda pair: (-pair[0], pair[1].number))[:MOST_FILTERS]


def filters_by_class(rows: Iterable[Row]) -> list[OfClass]:
    """Gathers the feature maps of all images; classes with more images first.

    A feature map's share of an image is w^k over the sum of the topN positive weights; of an
    image where it is not among them, 0.

    Raises:
        UserError: for rows without the feature maps that weigh most.
    """
    found: dict[tuple[str, ...], OfClass] = {}
    for row in rows:
        for whole, pictures in _sets(row):
            words = class_words(
                whole.class_idx, whole.class_name, whole.against_idx, whole.against_name
            )
            place = whole.method or "", whole.layer or "", words
            of_class = found.setdefault(place, OfClass(*place))
            of_class.images += 1
            weights = [max(0.0, w) for w in whole.weights or ()]
            for k, w in zip(whole.filters or (), weights, strict=True):
                if w > 0:
                    one = Driven(-w / sum(weights), row.key, pictures.get(k))
                    of_class.standings.setdefault(k, Standing(k)).add(one)
    if not found:
        raise UserError("no image has feature maps with weights: explain with --filters top8")
    return sorted(found.values(), key=lambda one: (one.method, one.layer, -one.images, one.words))


def _sets(row: Row) -> Iterator[tuple[MapRow, dict[int, str]]]:
    """Each set of feature maps of an image, with the path of the picture of each one."""
    waiting: MapRow | None = None
    pictures: dict[int, str] = {}
    for one in row.maps:
        left = len(waiting.filters or ()) - len(pictures) if waiting else 0
        if waiting is not None and left:
            files = one.files
            pictures[(one.filters or [0])[0]] = files.get("overlays") or files.get("heatmaps") or ""
            if left == 1:
                yield waiting, {k: path for k, path in pictures.items() if path}
                waiting = None
        elif one.filters and one.weights:
            waiting, pictures = one, {}
