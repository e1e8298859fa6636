"""Averages derivatives (or maps) slice by slice at one place, and finishes them to maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from sgcampp.engine.curvature import derivatives_of_Y, derivatives_over_Y
from sgcampp.engine.finishing import Finishing
from sgcampp.engine.groups import Deal
from sgcampp.engine.plan import Place
from sgcampp.engine.results import Maps
from sgcampp.engine.state import ClassState, PlaceState, Scores, Slice
from sgcampp.explain.equations import Derivatives
from sgcampp.explain.lens import Chosen, Lens, MapSet
from sgcampp.explain.looks import Look
from sgcampp.explain.moments import add_samples, no_moments


@dataclass(frozen=True)
class Average:
    """A running average at a place.

    Attributes:
        weighting: how samples are weighed, see `Look.weighting`.
        look: whose maps are averaged; None: the derivatives are.
    """

    weighting: str
    look: Look | None

    @classmethod
    def of(cls, look: Look) -> "Average":
        """The average that a look takes its share of."""
        return cls(look.weighting, look if look.choices.average == "maps" else None)

    @property
    def ranks(self) -> Derivatives | MapSet:
        """Axes of each of its terms after the axes of images and groups."""
        return Derivatives(3, 3, 3) if self.look is None else MapSet(2, 3, 0)


class Samples(NamedTuple):
    """What a slice shows of one class.

    Attributes:
        clean: the image's own activations, [b, h, w, F].
        A: each sample's, [b, s, h, w, F].
        g: dS/dA of each, [b, s, h, w, F], or [b, s, 3, h, w, F] with exact derivatives.
    """

    clean: tf.Tensor
    A: tf.Tensor
    g: tf.Tensor


class Accumulator:
    """The work at one place of a plan; `start`, `add` and `finish` run within traces."""

    def __init__(self, place: Place) -> None:
        self.place = place
        averaging = [look for look in place.looks if look.averages]
        self._averages = list(dict.fromkeys(map(Average.of, averaging)))
        self._means_A = any(look.choices.activations == "mean" for look in place.looks)

    def start(self, images: int, classes: int, dtype: tf.DType) -> PlaceState:
        """The state before the first slice; axes of length 1 broadcast to the place's size.

        Args:
            images: b.
            classes: T.
            dtype: of the sums.
        """
        empty, groups = tf.zeros([images, 1, 1, 1], dtype), self.place.groups
        moments = tuple(
            no_moments(images, groups, average.ranks, dtype) for average in self._averages
        )
        g = empty if self.place.curved is None else empty[:, None]
        return PlaceState(empty, empty[:, None], (ClassState(g, moments),) * classes)

    def add(
        self,
        state: PlaceState,
        A: tf.Tensor,
        S: tf.Tensor,
        g: Sequence[tf.Tensor],
        part: Slice,
    ) -> PlaceState:
        """Adds a slice.

        A, and each class's g: [b, s, h, w, K], with exact derivatives [b, s, 3, h, w, K];
        S: [b, s, T].
        """
        lens = self._lens(self.place.looks[0])
        A = lens.feature_maps(A)
        clean, A_sum = part.chosen(A[:, 0], state.A), state.A_sum
        if self._means_A:
            kept = part.chosen(tf.zeros_like(A_sum), A_sum)
            A_sum = part.deal.add(kept, lambda some: some.used(A))
        classes = tuple(
            self._add_class(of_class, S[..., t], Samples(clean, A, lens.feature_maps(g[t])), part)
            for t, of_class in enumerate(state.classes)
        )
        return PlaceState(clean, A_sum, classes)

    def _add_class(self, state: ClassState, S: tf.Tensor, seen: Samples, part: Slice) -> ClassState:
        """Adds a slice of one class; S: [b, s]."""
        clean = part.chosen(seen.g[:, 0], state.g)
        if not self.place.copies:
            return ClassState(clean, state.moments)
        counts = tf.cast(part.deal.counts, S.dtype)
        moments = []
        for of, average in zip(state.moments, self._averages, strict=True):
            add = partial(self._add_terms, average, seen, part.deal)
            moments.append(
                add_samples(of, S, part.averaged, counts, add, average.weighting, part.first)
            )
        return ClassState(clean, tuple(moments))

    def _add_terms(
        self, average: Average, seen: Samples, deal: Deal, sums: Any, weight: tf.Tensor
    ) -> Any:
        """Adds to sums what is averaged of each sample, times its weight, [b, s]."""
        of = self._derivatives if average.look is None else partial(self._maps, average.look)
        return deal.add(sums, lambda some: of(seen, weight, some))

    def _derivatives(self, seen: Samples, weight: tf.Tensor, deal: Deal) -> Derivatives:
        """Each sample's derivatives of Y, [b, r, G, h, w, F]."""
        w = deal.used(weight)[..., None, None, None]
        return derivatives_of_Y(w, deal(seen.g), self.place.curved is not None)

    def _maps(self, look: Look, seen: Samples, weight: tf.Tensor, deal: Deal) -> MapSet:
        """A look's maps of each sample, [b, r, G, ...], times its weight."""
        mean = look.choices.activations == "mean"
        A = deal(seen.A) if mean else seen.clean[:, None, None]
        D = derivatives_over_Y(deal(seen.g), self.place.curved is not None)
        w = deal.used(weight)
        of_samples = self._lens(look).see(look.method, A, D)
        return MapSet(*(each * _like(w, each) for each in of_samples))

    def finish(
        self,
        look: Look,
        place: PlaceState,
        of: ClassState,
        scores: Scores,
        leading: Chosen | None = None,
    ) -> Maps:
        """From sums to maps: one look and one class, for b images (`Maps` without the axis T)."""
        finishing = Finishing(look, self.place, self._lens(look), place, of, scores, leading)
        if not look.averages or not self.place.copies:
            return finishing.of_the_image()
        return finishing.of_averages(of.moments[self._averages.index(Average.of(look))])

    def _lens(self, look: Look) -> Lens:
        return Lens(look.selection, look.choices, self.place.spot.address)


def _like(weight: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """[b, r, G] -> [b, r, G, 1, …], to multiply `x` sample by sample."""
    return tf.reshape(weight, [*tf.unstack(tf.shape(weight)), *[1] * (len(x.shape) - 3)])
