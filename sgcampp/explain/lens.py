"""From averaged derivatives to saliency maps, whole and by feature map, never NaN."""

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from sgcampp.explain import equations
from sgcampp.explain.choices import Choices
from sgcampp.explain.flat_reasons import FLAT_REASONS
from sgcampp.explain.methods import Evidence, Method
from sgcampp.explain.selection import Selection


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
        neurons = self._neurons(A)
        if self.selection.subset is not None:
            A, D = A * neurons, equations.Derivatives(*(d * neurons for d in D))
        evidence = Evidence(A, *D, neurons)
        weighted = method.function(evidence, self.choices)
        sign = method.sign_by(self.choices.sign)
        single = _with_sign(weighted.maps, sign)
        if self.selection.filters is None:
            single = single[..., :0]
        if sign == "positive":
            whole = equations.saliency_map(weighted.maps)
        else:
            whole = _with_sign(tf.reduce_sum(weighted.maps, -1), sign)
        return MapSet(whole, single, weighted.guarded)

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
        return tf.reduce_all(tf.equal(x, 0), tf.range(1, tf.rank(x)))

    zero = tf.fill(tf.shape(finite), FLAT_REASONS.index("no_positive_evidence"))
    zero = tf.where(nothing(A), FLAT_REASONS.index("no_activation"), zero)
    zero = tf.where(nothing(g), FLAT_REASONS.index("no_gradient"), zero)
    reason = tf.where(nothing(whole), zero, 0)
    return tf.where(finite, reason, FLAT_REASONS.index("not_finite"))
