"""Averages derivatives (or maps) slice by slice at one place, and finishes them to maps."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sgcampp.explain import equations
from sgcampp.explain.lens import Lens, MapSet, zero_reason, zeros_for_undefined
from sgcampp.explain.moments import Moments, add_samples, effective_samples, no_moments
from sgcampp.explain.sampling import Look

if TYPE_CHECKING:
    import tensorflow as tf


class ClassState(NamedTuple):
    """One class at one place. `g`: [b, h, w, F], clean dS/dA; `moments`: one a running average."""

    g: "tf.Tensor"
    moments: tuple[Moments, ...]


class PlaceState(NamedTuple):
    """One place. `A`: [b, h, w, F], clean; `A_sum`: the same, summed over the copies."""

    A: "tf.Tensor"
    A_sum: "tf.Tensor"
    classes: tuple[ClassState, ...]


class Slice(NamedTuple):
    """What a step runs. `first`: bool, has the clean sample; `averaged`: bool [s]."""

    first: "tf.Tensor"
    averaged: "tf.Tensor"


class Scores(NamedTuple):
    """Class scores of one class, [b] each: of the clean image and, on a path, of the baseline."""

    clean: "tf.Tensor"
    baseline: "tf.Tensor"


@dataclass(frozen=True)
class Accumulator:
    """The work at one place: a layer, or the input, seen through one choice of feature maps.

    Attributes:
        looks: what is looked at there; all choose the same feature maps.
        layer: the layer's address, for errors.
        copies: n, copies of an image that are averaged; 0: the clean image alone counts.
    """

    looks: tuple[Look, ...]
    layer: str = ""
    copies: int = 0

    def start(self, images: int, classes: int, dtype: "tf.DType") -> PlaceState:
        """The state before the first slice; axes of length 1 broadcast to the place's size.

        Args:
            images: b.
            classes: T.
            dtype: of the sums.
        """
        import tensorflow as tf

        empty = tf.zeros([images, 1, 1, 1], dtype)
        moments = tuple(
            no_moments(images, (3, 3, 3) if look is None else (2, 3, 0), dtype)
            for _, look in self._averages
        )
        return PlaceState(empty, empty, (ClassState(empty, moments),) * classes)

    def check(self, A: "tf.Tensor") -> None:
        """Raises UserError for feature maps or neurons that the place does not have."""
        for look in self.looks:
            self._lens(look).check(A)

    def add(
        self,
        state: PlaceState,
        A: "tf.Tensor",
        S: "tf.Tensor",
        g: "list[tf.Tensor]",
        part: Slice,
    ) -> PlaceState:
        """Adds a slice. A, and each class's g: [b, s, h, w, K]; S: [b, s, T]."""
        import tensorflow as tf

        lens = self._lens(self.looks[0])
        A = lens.feature_maps(A)
        clean = tf.where(part.first, A[:, 0], state.A)
        clean = tf.ensure_shape(clean, [None, *A.shape[2:]])
        A_sum = state.A_sum
        if any(look.choices.activations == "mean" for look in self.looks):
            A_sum += tf.reduce_sum(tf.boolean_mask(A, part.averaged, axis=1), 1)
        classes = tuple(
            self._add_class(of_class, (clean[:, None], A), S[..., t], lens.feature_maps(g[t]), part)
            for t, of_class in enumerate(state.classes)
        )
        return PlaceState(clean, A_sum, classes)

    def _add_class(
        self,
        state: ClassState,
        activations: "tuple[tf.Tensor, tf.Tensor]",
        S: "tf.Tensor",
        g: "tf.Tensor",
        part: Slice,
    ) -> ClassState:
        """Adds a slice of one class.

        Args:
            state: so far.
            activations: the clean image's A, [b, 1, h, w, F], and each sample's own, with s for 1.
            S: [b, s].
            g: [b, s, h, w, F].
            part: of what samples.
        """
        import tensorflow as tf

        clean = tf.where(part.first, g[:, 0], state.g)
        if not self.copies:
            return ClassState(clean, state.moments)
        derivatives = equations.derivatives_over_Y(g)
        moments = []
        for of, (weighting, look) in zip(state.moments, self._averages, strict=True):
            terms = derivatives
            if look is not None:
                A = activations[look.choices.activations == "mean"]
                terms = tuple(self._lens(look).see(look.method, A, derivatives))
            moments.append(add_samples(of, S, part.averaged, terms, weighting))
        return ClassState(clean, tuple(moments))

    def finish(self, look: Look, place: PlaceState, of: ClassState, scores: Scores) -> tuple:
        """From sums to maps: one look and class, the fields of `engine.Maps` for b images."""
        import tensorflow as tf

        A, g, lens = place.A, of.g, self._lens(look)
        top, ess = scores.clean, tf.ones_like(scores.clean)
        completeness = tf.fill(tf.shape(top), tf.constant(np.nan, top.dtype))
        if not look.averages or not self.copies:
            maps = lens.see(look.method, A, equations.derivatives_over_Y(g))
        else:
            moments = of.moments[self._averages.index(_average(look))]
            top, ess = moments.top, effective_samples(moments)
            averages = tuple(total / self.copies for total in moments.sums)
            if look.choices.average == "maps":
                guarded = moments.sums[2] / moments.weight  # of a sample, on average
                maps = MapSet(averages[0], averages[1], guarded)
            else:
                if look.choices.activations == "mean":
                    A = place.A_sum / self.copies
                maps, g = lens.see(look.method, A, averages), averages[0]
            if look.method.on_path:
                completeness = _completeness(A, averages[0], scores)
        maps, finite = zeros_for_undefined(maps)
        log_scale = top if look.weighting == "exp_logit" else tf.zeros_like(top)
        reason = zero_reason(maps.whole, finite, A, g)
        return (*maps[:2], log_scale, ess, maps.guarded, completeness, reason)

    @property
    def _averages(self) -> "list[tuple[str, Look | None]]":
        """The running averages: a weighting, and the look whose maps are averaged, if not g's."""
        return list(dict.fromkeys(_average(look) for look in self.looks if look.averages))

    def _lens(self, look: Look) -> Lens:
        return Lens(look.selection, look.choices, self.layer)


def _average(look: Look) -> "tuple[str, Look | None]":
    """Which running average a look takes its share of."""
    return look.weighting, look if look.choices.average == "maps" else None


def _completeness(x: "tf.Tensor", mean_gradient: "tf.Tensor", scores: Scores) -> "tf.Tensor":
    """How far attributions miss S(x) - S(baseline), as a share of it; of a rise of 0 any is inf.

    Args:
        x: [b, H, W, C], the images.
        mean_gradient: [b, H, W, C], along the path.
        scores: of both ends.
    """
    import tensorflow as tf

    rise = scores.clean - scores.baseline
    missed = tf.abs(tf.reduce_sum(x * mean_gradient, [1, 2, 3]) - rise)
    return tf.where(missed > 0, missed / tf.abs(rise), missed)
