"""From sums to maps, and to their errors."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from sgcampp.engine.curvature import derivatives_over_Y
from sgcampp.engine.plan import Place
from sgcampp.engine.results import Maps
from sgcampp.engine.state import ClassState, PlaceState, Scores
from sgcampp.explain.jackknife import at_the_peak_of, relative_error, standard_error
from sgcampp.explain.lens import Chosen, Lens, MapSet, flat_reason, zeros_for_undefined
from sgcampp.explain.looks import Look
from sgcampp.explain.moments import (
    Moments,
    counts_without,
    effective_samples,
    mean_terms,
    terms_without,
    without_each,
)

ROUNDING = 4
"""Units in the last place of a class score that its rounding may make out."""


@dataclass(frozen=True)
class Finishing:
    """One look and one class of b images, ready to become `Maps` without the axis T.

    `leading`: of topN what another look chose, for one that follows.
    """

    look: Look
    place: Place
    lens: Lens
    sums: PlaceState
    of_class: ClassState
    scores: Scores
    leading: Chosen | None = None

    def of_the_image(self) -> Maps:
        """Of the clean image alone."""
        A, derivatives = self.sums.A, derivatives_over_Y(self.of_class.g, self._curved)
        seen = self.lens.look(self.look.method, A, derivatives, self.leading)
        clean = self.scores.clean
        return self._finished(
            seen, A, self._clean_gradient(), clean, tf.ones_like(clean), self._no_error()
        )

    def of_averages(self, moments: Moments) -> Maps:
        """Of the averages over copies."""
        if self.look.choices.average == "maps":
            means, A, g = mean_terms(moments), self.sums.A, self._clean_gradient()
            # The guard's count is of a sample, on average.
            guarded = tf.reduce_sum(moments.sums.guarded, 1) / moments.weight
            seen = means._replace(guarded=guarded), self.lens.named(A)
        else:
            A, D = self._activations(moments), mean_terms(moments)
            seen, g = self.lens.look(self.look.method, A, D, self.leading), D.D1
        error, whole = self._no_error(), seen[0].whole
        if self.place.groups > 1:
            without = self._without_each_group(moments, seen[1])
            without = at_the_peak_of(whole, without)
            error = _error(whole, standard_error(whole, without, moments.counts))
        return self._finished(seen, A, g, moments.top, effective_samples(moments), error)

    @property
    def _curved(self) -> bool:
        return self.place.curved is not None

    def _clean_gradient(self) -> tf.Tensor:
        """dS/dA of the image itself, [b, h, w, F]."""
        return self.of_class.g[:, 0] if self._curved else self.of_class.g

    def _activations(self, moments: Moments) -> tf.Tensor:
        """The A of Eq. 7 and 2, [b, h, w, F]."""
        if self.look.choices.activations == "clean":
            return self.sums.A
        count = tf.reduce_sum(moments.counts, 1)[:, None, None, None]
        return tf.reduce_sum(self.sums.A_sum, 1) / count

    def _without_each_group(self, moments: Moments, chosen: Chosen) -> tf.Tensor:
        """For each group the map of all others, [b, G, h, w], of the same feature maps.

        Each map is divided by its number of samples in the place of its three derivatives, which
        are 3 K times as many numbers (see `Method.smooth`).
        """
        totals, counts = terms_without(moments), counts_without(moments)
        if self.look.choices.average == "maps":
            return totals.whole / counts
        A = self.sums.A[:, None]
        if self.look.choices.activations == "mean":
            A = without_each(self.sums.A_sum) / counts[..., None]
        return self.lens.look(self.look.method, A, totals, chosen)[0].whole / counts

    def _no_error(self) -> tuple[tf.Tensor, tf.Tensor]:
        """[b, 0, 0] and NaN."""
        return self.sums.A[:, :0, :0, 0], self._unknown()

    def _unknown(self) -> tf.Tensor:
        clean = self.scores.clean
        return tf.fill(tf.shape(clean), tf.constant(np.nan, clean.dtype))

    def _finished(
        self,
        seen: tuple[MapSet, Chosen],
        A: tf.Tensor,
        g: tf.Tensor,
        top: tf.Tensor,
        ess: tf.Tensor,
        error: tuple[tf.Tensor, tf.Tensor],
    ) -> Maps:
        """Sets what is not finite to zeros. A, g: [b, h, w, F], that made the maps."""
        maps, finite = zeros_for_undefined(seen[0])
        held = self.look.method.baseline
        return Maps(
            whole=maps.whole,
            single=maps.single,
            se=error[0],
            relative_se=error[1],
            log_scale=top if self.look.weighting == "exp_logit" else tf.zeros_like(top),
            ess=ess,
            guarded=maps.guarded,
            completeness=_completeness(A, g, self.scores) if held else self._unknown(),
            r2=self._unknown(),
            reason=flat_reason(maps.whole, finite, A, g),
            filters=seen[1].filters,
            weights=seen[1].weights,
        )


def _error(whole: tf.Tensor, se: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """[b, h, w], zeros where it is not finite, and [b], NaN there."""
    relative = relative_error(se, whole)
    finite = tf.math.is_finite(relative)
    se = tf.where(tf.reduce_all(tf.math.is_finite(se), [1, 2], True), se, tf.zeros_like(se))
    return se, tf.where(finite, relative, tf.constant(np.nan, relative.dtype))


def _completeness(difference: tf.Tensor, multipliers: tf.Tensor, scores: Scores) -> tf.Tensor:
    """How far attributions miss S(x) - S(baseline), as a share of it; of a rise of 0 any is inf.

    What is no more than the rounding of both scores is not missed.

    Args:
        difference: [b, H, W, C], images less their baselines.
        multipliers: [b, H, W, C], mean gradients along the path, or DeepLIFT's.
        scores: of both ends.
    """
    rise = scores.clean - scores.baseline
    missed = tf.abs(tf.reduce_sum(difference * multipliers, [1, 2, 3]) - rise)
    rounding = ROUNDING * np.finfo(rise.dtype.as_numpy_dtype).eps
    unmissed = missed <= rounding * (tf.abs(scores.clean) + tf.abs(scores.baseline))
    return tf.where(unmissed, tf.zeros_like(missed), missed / tf.abs(rise))
