"""From what is looked at, and what the model is, to the work of an engine: immutable."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.curvature import chosen_neurons
from sgcampp.engine.discovery import Discovery, Spot
from sgcampp.engine.groups import MOST_GROUPS, group_count
from sgcampp.engine.results import Seen
from sgcampp.explain.looks import Look, Sampling, Where

MOMENTS = 3
"""Sums a feature map and neuron."""


@dataclass(frozen=True)
class Place:
    """A spot, with the looks that choose the same feature maps of it.

    Attributes:
        where: by which name traces find it.
        spot: what the trace tells of it.
        looks: what is looked at there.
        copies: n, copies of an image that change anything there; 0: the image alone counts.
        groups: G, groups that the copies are dealt into; 1: maps have no error.
        curved: int32 [N], the neurons whose true 2nd and 3rd derivatives the looks need, in the
            flattened spot; None: the closed form is taken, or is the truth.
    """

    where: Where
    spot: Spot
    looks: tuple[Look, ...]
    copies: int
    groups: int
    curved: NDArray[np.int32] | None = None

    def check(self) -> None:
        """Raises UserError for feature maps or neurons that the spot does not have."""
        height, width, feature_maps = self.spot.shape
        for look in self.looks:
            look.selection.check_filters(feature_maps, self.spot.address)
            look.selection.neurons(height, width, self.spot.address)

    def seen(self, look: Look) -> Seen:
        """What the trace tells of one of its looks."""
        copies = self.copies if look.averages else 0
        groups = self.groups if copies and self.groups > 1 else 0
        return Seen(self.spot.address, self.spot.affine, copies, groups, self.spot.bend)


@dataclass(frozen=True)
class Plan:
    """The work of one engine.

    Attributes:
        class_count: C.
        sampling: the copies of an image.
        places: where to look.
        groups: G, groups that copies are dealt into; 1: maps have no error.
    """

    class_count: int
    sampling: Sampling
    places: tuple[Place, ...]
    groups: int

    @property
    def seen(self) -> Mapping[Look, Seen]:
        """What the trace tells of each look."""
        return {look: place.seen(look) for place in self.places for look in place.looks}

    @property
    def copies(self) -> int:
        """Copies of an image that change any map."""
        return max(place.copies for place in self.places)


def plan_of(
    looks: Sequence[Look],
    sampling: Sampling,
    discovery: Discovery,
    classes: int = 1,
    groups: int = MOST_GROUPS,
) -> Plan:
    """Puts looks together that choose the same feature maps and derivatives of the same layer.

    Args:
        looks: all share the copies of `sampling`.
        sampling: those copies.
        discovery: of the model, at all places of the looks.
        classes: T, classes an image.
        groups: G at most.

    Raises:
        UserError: for feature maps or neurons that a layer does not have, or too many of them for
            exact derivatives.
    """
    together: dict[tuple, list[Look]] = {}
    for look in looks:
        curved = look.exact and discovery.spots[look.where].bend is not None
        together.setdefault((look.where, look.selection.filters, curved), []).append(look)
    places = []
    for (where, _, curved), chosen in together.items():
        spot = discovery.spots[where]
        copies = _copies_that_matter(chosen, spot, sampling)
        place = Place(discovery.named(where), spot, tuple(chosen), copies, groups=1)
        place.check()
        if curved:
            neurons = chosen_neurons(spot.address, spot.shape, chosen, copies + 1)
            place = replace(place, curved=neurons)
        places.append(place)
    numbers = sum(MOMENTS * math.prod(place.spot.shape) for place in places if place.copies)
    # No group of steps on a path stands for the path.
    groups = group_count(sampling.nsamples, classes * numbers, 1 if sampling.on_path else groups)
    places = [replace(place, groups=groups) for place in places]
    return Plan(discovery.class_count, sampling, tuple(places), groups)


def _copies_that_matter(looks: Sequence[Look], spot: Spot, sampling: Sampling) -> int:
    """How many copies matter at a spot: none where no noise can change what is seen."""
    averaging = [look for look in looks if look.averages]
    moved = not spot.affine or any(
        look.method.on_path or look.choices.activations == "mean" for look in averaging
    )
    return sampling.nsamples if averaging and moved else 0
