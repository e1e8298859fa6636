"""From averaged derivatives to saliency maps, whole and by feature map, never NaN."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sgcampp.explain import equations
from sgcampp.explain.choices import Choices
from sgcampp.explain.flat_reasons import FLAT_REASONS
from sgcampp.explain.methods import Evidence, Method, Weighted
from sgcampp.explain.selection import Selection


class Chosen(NamedTuple):
    """Feature maps that are looked at one by one, F of them.

    Attributes:
        filters: int32 [b, F], their numbers.
        weights: [b, F], their w^k, in units of the maps; NaN where the method has none.
    """

    filters: tf.Tensor
    weights: tf.Tensor

    @classmethod
    def heaviest(cls, weights: tf.Tensor, A: tf.Tensor, count: int) -> "Chosen":
        """Those of K feature maps with the largest weights [b, K]; of equal ones the first.

        Feature maps that are zero everywhere, A [b, h, w, K], come last: they add nothing,
        though Eq. 7 gives them the largest alpha.
        """
        active = tf.reduce_any(tf.not_equal(A, 0), [-3, -2])
        ranked = tf.where(active, weights, weights.dtype.min)
        filters = tf.math.top_k(ranked, count).indices
        return cls(filters, tf.gather(weights, filters, batch_dims=1))


class MapSet(NamedTuple):
    """A saliency map and what goes with it; leading axes are free.

    Attributes:
        whole: [..., h, w], of all chosen feature maps.
        single: [..., h, w, F], one a chosen feature map; F = 0 without a choice.
        guarded: [...], alphas that the guard set to 0.
    """

    whole: tf.Tensor
    single: tf.Tensor
    guarded: tf.Tensor


@dataclass(frozen=True)
class Lens:
    """A layer seen through a selection: only the chosen feature maps and neurons remain.

    Attributes:
        selection: the choice.
        choices: how the equations are read.
        layer: the layer's address, for errors.
    """

    selection: Selection
    choices: Choices
    layer: str

    def feature_maps(self, of_layer: tf.Tensor) -> tf.Tensor:
        """[..., K] -> [..., F], the chosen feature maps; UserError for one that does not exist."""
        self.selection.check_filters(of_layer.shape[-1], self.layer)
        if self.selection.filters is None:
            return of_layer
        return tf.gather(of_layer, self.selection.filters, axis=-1)

    def see(self, method: Method, A: tf.Tensor, D: equations.Derivatives) -> MapSet:
        """Applies a method to the chosen neurons.

        Args:
            method: the method.
            A: [..., h, w, F], activations, through `feature_maps`.
            D: D1, D2, D3, each of A's shape.
        """
        return self.look(method, A, D)[0]

    def look(
        self,
        method: Method,
        A: tf.Tensor,
        D: equations.Derivatives,
        leading: Chosen | None = None,
    ) -> tuple[MapSet, Chosen]:
        """As `see`, with what is known of the feature maps that are looked at one by one.

        Where these are to be the N that weigh most, and none are leading, A is [b, h, w, K].

        Args:
            method: the method.
            A: activations.
            D: derivatives.
            leading: of topN what was chosen already, of b images.
        """
        weighted = self._weigh(method, A, D)
        maps = weighted.maps
        if self.selection.top is None:
            chosen = self.named(A, weighted.weights)
        else:
            seen = A * self._neurons(A)
            chosen = leading or Chosen.heaviest(weighted.weights, seen, self.selection.top)
            maps = _gathered(maps, chosen.filters)
        sign = method.sign_by(self.choices.sign)
        single = _with_sign(maps, sign) if self.selection.of_filters else maps[..., :0]
        if sign == "positive":
            whole = equations.saliency_map(maps)
        else:
            whole = _with_sign(tf.reduce_sum(maps, -1), sign)
        return MapSet(whole, single, weighted.guarded), chosen

    def named(self, A: tf.Tensor, weights: tf.Tensor | None = None) -> Chosen:
        """The feature maps that `filters` names; A: [..., h, w, F], weights: [..., F] if known."""
        filters = self.selection.filters or ()
        shape = tf.concat([tf.shape(A)[:-3], [len(filters)]], 0)
        numbers = tf.broadcast_to(tf.constant(filters, tf.int32, [len(filters)]), shape)
        if weights is None or not filters:
            weights = tf.fill(shape, tf.constant(np.nan, A.dtype))
        return Chosen(numbers, weights)

    def _weigh(self, method: Method, A: tf.Tensor, D: equations.Derivatives) -> Weighted:
        neurons = self._neurons(A)
        if self.selection.subset is not None:
            A, D = A * neurons, equations.Derivatives(*(d * neurons for d in D))
        return method.function(Evidence(A, *D, neurons), self.choices)

    def check(self, of_layer: tf.Tensor) -> None:
        """Raises UserError for feature maps or neurons that the layer does not have."""
        self.selection.check_filters(of_layer.shape[-1], self.layer)
        height, width = of_layer.shape[-3:-1]
        self.selection.neurons(height, width, self.layer)

    def _neurons(self, A: tf.Tensor) -> tf.Tensor:
        """[h, w, 1], 1 for a chosen neuron, else 0."""
        height, width = A.shape[-3:-1]
        chosen = self.selection.neurons(height, width, self.layer)
        return tf.constant(chosen[..., None], A.dtype)


def _with_sign(maps: tf.Tensor, sign: str) -> tf.Tensor:
    """What is left of maps by `Look.sign`."""
    if sign == "signed":
        return maps
    return tf.abs(maps) if sign == "absolute" else tf.nn.relu(maps)


def _gathered(maps: tf.Tensor, filters: tf.Tensor) -> tf.Tensor:
    """[b, ..., h, w, K] and int32 [b, F] -> [b, ..., h, w, F]."""
    outer = len(maps.shape) - 3
    leading = list(range(outer))
    of_each = tf.reshape(filters, [-1, *[1] * (outer - 1), filters.shape[-1]])
    of_each = tf.broadcast_to(of_each, [*tf.unstack(tf.shape(maps))[:outer], filters.shape[-1]])
    by_filter = tf.transpose(maps, [*leading, outer + 2, outer, outer + 1])
    found = tf.gather(by_filter, of_each, axis=outer, batch_dims=outer)
    return tf.transpose(found, [*leading, outer + 1, outer + 2, outer])


def zeros_for_undefined(maps: MapSet) -> tuple[MapSet, tf.Tensor]:
    """Sets maps with a NaN or an infinity to all zeros.

    Returns:
        The maps, and bool [...], which of them were finite.
    """
    finite = tf.reduce_all(tf.math.is_finite(maps.whole), [-2, -1])
    finite &= tf.reduce_all(tf.math.is_finite(maps.single), [-3, -2, -1])
    whole = tf.where(finite[..., None, None], maps.whole, tf.zeros_like(maps.whole))
    single = tf.where(finite[..., None, None, None], maps.single, tf.zeros_like(maps.single))
    return MapSet(whole, single, maps.guarded), finite


def flat_reason(whole: tf.Tensor, finite: tf.Tensor, A: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    """Why maps are all zeros.

    Args:
        whole: [b, h, w], saliency maps.
        finite: bool [b], whether they were finite before zeros took their place.
        A: [b, h, w, F], activations.
        g: [b, h, w, F], gradients (averaged or clean).

    Returns:
        int32 [b], index into FLAT_REASONS.
    """

    def nothing(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_all(tf.equal(x, 0), list(range(1, len(x.shape))))

    zero = tf.fill(tf.shape(finite), FLAT_REASONS.index("no_positive_evidence"))
    zero = tf.where(nothing(A), FLAT_REASONS.index("no_activation"), zero)
    zero = tf.where(nothing(g), FLAT_REASONS.index("no_gradient"), zero)
    reason = tf.where(nothing(whole), zero, 0)
    return tf.where(finite, reason, FLAT_REASONS.index("not_finite"))
