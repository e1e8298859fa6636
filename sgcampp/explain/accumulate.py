"""Averages derivatives (or maps) slice by slice at one layer, and finishes them to maps."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sgcampp.explain import equations
from sgcampp.explain.maps import Lens, MapSet, zero_reason, zeros_for_undefined
from sgcampp.explain.methods import Method
from sgcampp.explain.moments import Moments, add_samples, effective_samples, no_moments
from sgcampp.explain.sampling import Sampling

if TYPE_CHECKING:
    import tensorflow as tf


class ClassState(NamedTuple):
    """One class at one layer. `g`: [b, h, w, F], clean dS/dA; `moments`: one a weighting."""

    g: "tf.Tensor"
    moments: tuple[Moments, ...]


class LayerState(NamedTuple):
    """One layer. `A`: [b, h, w, F], clean; `A_sum`: the same, summed over the noised samples."""

    A: "tf.Tensor"
    A_sum: "tf.Tensor"
    classes: tuple[ClassState, ...]


class Slice(NamedTuple):
    """What a step runs. `first`: bool, has the clean sample; `noised`: bool [s]."""

    first: "tf.Tensor"
    noised: "tf.Tensor"


def start_layer(sampling: Sampling, images: int, classes: int, dtype: "tf.DType") -> LayerState:
    """The state of a layer before the first slice; axes of length 1 broadcast to its size.

    Args:
        sampling: what is run.
        images: b.
        classes: T.
        dtype: of the sums.
    """
    import tensorflow as tf

    layer = tf.zeros([images, 1, 1, 1], dtype)
    moments = tuple(
        no_moments(images, _ranks(sampling, methods), dtype)
        for methods in sampling.smooth_methods.values()
    )
    return LayerState(layer, layer, (ClassState(layer, moments),) * classes)


def _ranks(sampling: Sampling, methods: list[Method]) -> tuple[int, ...]:
    """Ranks of what is averaged: D1, D2, D3; or a map, single maps and a count a method."""
    if sampling.choices.average == "derivatives":
        return (3, 3, 3)
    return (2, 3, 0) * len(methods)


@dataclass(frozen=True)
class Accumulator:
    """The work at one layer.

    Attributes:
        sampling: what is run.
        lens: the layer through the selection.
        passes: noised passes an image; 0: the clean image alone.
    """

    sampling: Sampling
    lens: Lens
    passes: int

    def add(
        self,
        state: LayerState,
        A: "tf.Tensor",
        S: "tf.Tensor",
        g: "list[tf.Tensor]",
        part: Slice,
    ) -> LayerState:
        """Adds a slice. A, and each class's g: [b, s, h, w, K]; S: [b, s, T]."""
        import tensorflow as tf

        A = self.lens.feature_maps(A)
        clean = tf.where(part.first, A[:, 0], state.A)
        clean = tf.ensure_shape(clean, [None, *A.shape[2:]])
        A_sum = state.A_sum
        if self.sampling.choices.activations == "mean":
            A_sum += tf.reduce_sum(tf.boolean_mask(A, part.noised, axis=1), 1)
        else:
            A = clean[:, None]
        classes = tuple(
            self._add_class(of_class, A, S[..., t], self.lens.feature_maps(g[t]), part)
            for t, of_class in enumerate(state.classes)
        )
        return LayerState(clean, A_sum, classes)

    def _add_class(
        self,
        state: ClassState,
        A: "tf.Tensor",
        S: "tf.Tensor",
        g: "tf.Tensor",
        part: Slice,
    ) -> ClassState:
        """Adds a slice of one class. A: [b, s or 1, h, w, F]; S: [b, s]; g: [b, s, h, w, F]."""
        import tensorflow as tf

        clean = tf.where(part.first, g[:, 0], state.g)
        if not self.passes:
            return ClassState(clean, state.moments)
        derivatives = equations.derivatives_over_Y(g)
        moments = []
        for of, (weighting, methods) in zip(
            state.moments, self.sampling.smooth_methods.items(), strict=True
        ):
            terms = derivatives
            if self.sampling.choices.average == "maps":
                terms = sum(
                    (tuple(self.lens.see(method, A, derivatives)) for method in methods), ()
                )
            moments.append(add_samples(of, S, part.noised, terms, weighting))
        return ClassState(clean, tuple(moments))

    def finish(
        self, method: Method, layer: LayerState, of: ClassState, score: "tf.Tensor"
    ) -> tuple:
        """From sums to maps: one method and class, the fields of `engine.Maps` for b images."""
        import tensorflow as tf

        A, g, ess = layer.A, of.g, tf.ones_like(score)
        weighting = self.sampling.weighting(method)
        top = score
        if not method.smooth or not self.passes:
            maps = self.lens.see(method, A, equations.derivatives_over_Y(g))
        else:
            moments = of.moments[list(self.sampling.smooth_methods).index(weighting)]
            top, ess = moments.top, effective_samples(moments)
            averages = tuple(total / self.passes for total in moments.sums)
            if self.sampling.choices.average == "maps":
                at = 3 * self.sampling.smooth_methods[weighting].index(method)
                guarded = moments.sums[at + 2] / moments.weight  # of a sample, on average
                maps = MapSet(averages[at], averages[at + 1], guarded)
            else:
                if self.sampling.choices.activations == "mean":
                    A = layer.A_sum / self.passes
                maps, g = self.lens.see(method, A, averages), averages[0]
        maps, finite = zeros_for_undefined(maps)
        log_scale = top if weighting == "exp_logit" else tf.zeros_like(top)
        reason = zero_reason(maps.whole, finite, A, g)
        return (*maps[:2], log_scale, ess, maps.guarded, reason)
