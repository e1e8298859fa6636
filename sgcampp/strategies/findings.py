"""What is found: the strategies of each class, what tells them apart, and odd images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sgcampp.strategies.clustering import Clusters, find_clusters, points_of
from sgcampp.strategies.heat import Floats
from sgcampp.strategies.maps import Group, GroupMaps, Member
from sgcampp.strategies.places import (
    CORNER,
    area_of_half,
    border_share,
    corner_shares,
    hottest_place,
)

FEWEST = 5
"""Maps that can be compared at all."""
NO_CLUSTERS = Clusters(np.zeros(0, np.intp), np.zeros(0), 0, None, None)
NEAREST, MOST_OUTLIERS = 8, 20
FAR = 3
"""Outliers lie so many quartile ranges beyond the third quartile (Tukey's "far out")."""
STANDS_OUT = 2
"""A corner stands out with so many times the heat of an even map, and more than the other images
have there; the border with so many times the heat of what it surrounds."""


@dataclass(frozen=True, eq=False)
class Strategy:
    """Images of a class that the model decides by the same place.

    Attributes:
        share: of the class's images, 0…1.
        members: keys of its images.
        mean: float64 [h, w], the mean of their maps, of the sum 1.
        probability: mean of the class's probability, if known.
        corner: the name of its hottest corner, and the share of heat there.
        corner_of_others: the share of heat there of the class's other images; None without any.
        border: the share of heat in the border.
        half_area: the share of the picture that holds half of the heat.
        place: the ninth of the picture where most heat is.
        nearest: the images nearest to its centre, the nearest first.
    """

    share: float
    members: list[str]
    mean: Floats
    probability: float | None
    corner: tuple[str, float]
    corner_of_others: float | None
    border: float
    half_area: float
    place: str
    nearest: list[Member]


@dataclass(frozen=True, eq=False)
class Finding:
    """The strategies of one class by one method at one layer.

    Attributes:
        group: whose maps.
        images: how many.
        flat: images without a map to compare.
        clusters: how they were found.
        strategies: the largest first.
        outliers: images far from the centre of their own strategy, the farthest first.
    """

    group: Group
    images: int
    flat: int
    clusters: Clusters
    strategies: list[Strategy]
    outliers: list[Member] = field(default_factory=list)


def find_strategies(maps: GroupMaps, seed: int = 0) -> Finding:
    """Finds the strategies in the maps of one group.

    Raises:
        UserError: if a library that it needs is missing.
    """
    if len(maps.members) < FEWEST:
        return Finding(maps.group, len(maps.members), maps.flat, NO_CLUSTERS, [])
    clusters = find_clusters(maps.heat, seed)
    strategies = [
        _strategy(maps, clusters.labels == label) for label in range(clusters.labels.max() + 1)
    ]
    outliers = _outliers(maps, clusters.labels)
    return Finding(maps.group, len(maps.members), maps.flat, clusters, strategies, outliers)


def headline(finding: Finding) -> str:
    """How many strategies a class has, in words."""
    group, count = finding.group, len(finding.strategies)
    where = f"{group.method} at {group.layer}"
    settings = "" if group.settings == "{}" else f", {group.settings}"
    filters = f", feature maps {list(group.filters)}" if group.filters else ""
    if count == 0:
        return f"{group.class_name}, {where}{settings}{filters}: no map to compare"
    found = "one strategy" if count == 1 else f"{count} strategies"
    one = f": {sentence(finding.strategies[0])}" if count == 1 else ""
    images = f"{finding.images:,} images"
    return f"{group.class_name}, {where}{settings}{filters}: {found} in {images}{one}"


def sentence(strategy: Strategy) -> str:
    """What a strategy looks at, in words."""
    name, share = strategy.corner
    others = strategy.corner_of_others
    if share >= STANDS_OUT * CORNER**2 and share > (others or 0):
        beside = "" if others is None else f", where the others have {others:.0%}"
        return f"{share:.0%} of the heat in the {name} corner{beside}"
    half = f"half of the heat on {strategy.half_area:.0%} of the picture"
    if strategy.border >= STANDS_OUT * (1 - strategy.border):
        return f"{strategy.border:.0%} of the heat along the border, {half}"
    return f"{half}, most of it in the {strategy.place}"


def _strategy(maps: GroupMaps, mine: NDArray[np.bool_]) -> Strategy:
    members = [maps.members[at] for at in np.flatnonzero(mine)]
    mean, others = maps.heat[mine].mean(0), maps.heat[~mine]
    corners = corner_shares(mean)
    name = max(corners, key=lambda corner: corners[corner])
    distances = _distances(maps, mine)
    order = np.argsort(distances, kind="stable")[:NEAREST]
    return Strategy(
        share=float(mine.mean()),
        members=[member.key for member in members],
        mean=mean,
        probability=_mean([member.probability for member in members]),
        corner=(name, corners[name]),
        corner_of_others=corner_shares(others.mean(0))[name] if len(others) else None,
        border=border_share(mean),
        half_area=area_of_half(mean),
        place=hottest_place(mean),
        nearest=[members[at] for at in order],
    )


def _outliers(maps: GroupMaps, labels: NDArray[np.intp]) -> list[Member]:
    found: list[tuple[float, Member]] = []
    for label in range(labels.max() + 1):
        mine = labels == label
        distances = _distances(maps, mine)
        low, high = np.quantile(distances, [0.25, 0.75])
        limit = high + FAR * (high - low)
        for at, distance in zip(np.flatnonzero(mine), distances, strict=True):
            if distance > limit:
                found.append((distance / limit if limit else math.inf, maps.members[at]))
    found.sort(key=lambda pair: (-pair[0], pair[1].key))
    return [member for _, member in found[:MOST_OUTLIERS]]


def _distances(maps: GroupMaps, mine: NDArray[np.bool_]) -> Floats:
    """Of each chosen map from the centre of them all, as `points_of` has it."""
    points = points_of(maps.heat[mine])
    return np.linalg.norm(points - points.mean(0), axis=1)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
