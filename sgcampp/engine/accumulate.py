"""Averages derivatives (or maps) slice by slice at one place, and finishes them to maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sgcampp.engine.plan import Place
from sgcampp.engine.results import Maps
from sgcampp.explain import equations
from sgcampp.explain.equations import Derivatives
from sgcampp.explain.lens import Lens, MapSet, flat_reason, zeros_for_undefined
from sgcampp.explain.looks import Look
from sgcampp.explain.moments import (
    Moments,
    add_samples,
    effective_samples,
    mean_terms,
    no_moments,
)


class ClassState(NamedTuple):
    """One class at one place.

    `g`: [b, h, w, F], clean dS/dA, or [b, 3, h, w, F] with the 2nd and 3rd derivative where they
    are taken exactly; `moments`: one a running average.
    """

    g: tf.Tensor
    moments: tuple[Moments, ...]


class PlaceState(NamedTuple):
    """One place. `A`: [b, h, w, F], clean; `A_sum`: the same, summed over the copies."""

    A: tf.Tensor
    A_sum: tf.Tensor
    classes: tuple[ClassState, ...]


class Slice(NamedTuple):
    """What a step runs. `first`: bool, has the clean sample; `averaged`: bool [s]."""

    first: tf.Tensor
    averaged: tf.Tensor


class Scores(NamedTuple):
    """Class scores of one class, [b] each: of the clean image and, on a path, of the baseline."""

    clean: tf.Tensor
    baseline: tf.Tensor


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
        """Axes of each of its terms after the image axis."""
        return Derivatives(3, 3, 3) if self.look is None else MapSet(2, 3, 0)


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
        empty = tf.zeros([images, 1, 1, 1], dtype)
        moments = tuple(no_moments(images, average.ranks, dtype) for average in self._averages)
        g = empty if self.place.curved is None else empty[:, None]
        return PlaceState(empty, empty, (ClassState(g, moments),) * classes)

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
        clean = tf.where(part.first, A[:, 0], state.A)
        clean = tf.ensure_shape(clean, [None, *A.shape[2:]])
        A_sum = state.A_sum
        if self._means_A:
            A_sum += tf.reduce_sum(tf.boolean_mask(A, part.averaged, axis=1), 1)
        classes = tuple(
            self._add_class(of_class, (clean[:, None], A), S[..., t], lens.feature_maps(g[t]), part)
            for t, of_class in enumerate(state.classes)
        )
        return PlaceState(clean, A_sum, classes)

    def _add_class(
        self,
        state: ClassState,
        activations: tuple[tf.Tensor, tf.Tensor],
        S: tf.Tensor,
        g: tf.Tensor,
        part: Slice,
    ) -> ClassState:
        """Adds a slice of one class.

        Args:
            state: so far.
            activations: the clean image's A, [b, 1, h, w, F], and each sample's own, with s for 1.
            S: [b, s].
            g: [b, s, h, w, F], or [b, s, 3, h, w, F].
            part: of what samples.
        """
        clean = tf.where(part.first, g[:, 0], state.g)
        if not self.place.copies:
            return ClassState(clean, state.moments)
        derivatives = self._over_Y(g)
        moments = []
        for of, average in zip(state.moments, self._averages, strict=True):
            terms: Derivatives | MapSet = derivatives
            if average.look is not None:
                A = activations[average.look.choices.activations == "mean"]
                terms = self._lens(average.look).see(average.look.method, A, derivatives)
            moments.append(add_samples(of, S, part.averaged, terms, average.weighting))
        return ClassState(clean, tuple(moments))

    def finish(self, look: Look, place: PlaceState, of: ClassState, scores: Scores) -> Maps:
        """From sums to maps: one look and one class, for b images (`Maps` without the axis T)."""
        A, g, lens = place.A, of.g, self._lens(look)
        gradient = g if self.place.curved is None else g[:, 0]
        top, ess = scores.clean, tf.ones_like(scores.clean)
        completeness = tf.fill(tf.shape(top), tf.constant(np.nan, top.dtype))
        if not look.averages or not self.place.copies:
            maps = lens.see(look.method, A, self._over_Y(g))
        else:
            moments = of.moments[self._averages.index(Average.of(look))]
            top, ess = moments.top, effective_samples(moments)
            means = mean_terms(moments, self.place.copies)
            if look.choices.average == "maps":
                # The guard's count is of a sample, on average.
                maps = means._replace(guarded=moments.sums.guarded / moments.weight)
            else:
                if look.choices.activations == "mean":
                    A = place.A_sum / self.place.copies
                maps, gradient = lens.see(look.method, A, means), means.D1
            if look.method.on_path:
                completeness = _completeness(A, means.D1, scores)
        maps, finite = zeros_for_undefined(maps)
        log_scale = top if look.weighting == "exp_logit" else tf.zeros_like(top)
        reason = flat_reason(maps.whole, finite, A, gradient)
        return Maps(maps.whole, maps.single, log_scale, ess, maps.guarded, completeness, reason)

    def _over_Y(self, g: tf.Tensor) -> Derivatives:
        """Derivatives of Y over Y, of dS/dA, or of its 1st to 3rd derivatives at axis -4."""
        if self.place.curved is None:
            return equations.derivatives_over_Y(g)
        return equations.exact_derivatives_over_Y(*tf.unstack(g, 3, -4))

    def _lens(self, look: Look) -> Lens:
        return Lens(look.selection, look.choices, self.place.spot.address)


def _completeness(x: tf.Tensor, mean_gradient: tf.Tensor, scores: Scores) -> tf.Tensor:
    """How far attributions miss S(x) - S(baseline), as a share of it; of a rise of 0 any is inf.

    Args:
        x: [b, H, W, C], the images.
        mean_gradient: [b, H, W, C], along the path.
        scores: of both ends.
    """
    rise = scores.clean - scores.baseline
    missed = tf.abs(tf.reduce_sum(x * mean_gradient, [1, 2, 3]) - rise)
    return tf.where(missed > 0, missed / tf.abs(rise), missed)
