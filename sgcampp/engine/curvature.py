"""The true 2nd and 3rd derivatives of class scores with respect to a layer's neurons."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.errors import UserError
from sgcampp.explain import equations
from sgcampp.explain.equations import Derivatives
from sgcampp.explain.looks import Look

MOST_NEURONS = 10_000
"""Each neuron costs two backward passes, of twice and three times the length, a sample."""


def chosen_neurons(
    layer: str, shape: tuple[int, int, int], looks: Sequence[Look], samples: int
) -> NDArray[np.int32]:
    """The neurons whose derivatives some looks need, int32 [N], indices into the flattened layer.

    Args:
        layer: its address, for the error.
        shape: (h, w, K).
        looks: at the layer; all choose the same feature maps.
        samples: an image, for the error.

    Raises:
        UserError: if there are more than MOST_NEURONS.
    """
    height, width, feature_maps = shape
    chosen = np.zeros(shape, bool)
    for look in looks:
        filters = look.selection.filters
        maps = np.arange(feature_maps) if filters is None else np.array(filters)
        chosen[..., maps] |= look.selection.neurons(height, width, layer)[..., None]
    neurons = np.flatnonzero(chosen).astype(np.int32)
    if len(neurons) > MOST_NEURONS:
        raise UserError(
            f"derivatives=exact would take {len(neurons)} neurons × 2 backward passes at layer "
            f"{layer!r} for each of an image's {samples} samples, accepted: {MOST_NEURONS} neurons "
            "at most; choose some by filters or subset, a smaller layer, or derivatives=closed"
        )
    return neurons


def with_curvature(g: tf.Tensor, A: tf.Tensor, neurons: NDArray[np.int32], layer: str) -> tf.Tensor:
    """dS/dA, d²S/dA² and d³S/dA³, each neuron's by itself, within a trace.

    The gradient is differentiated twice more, one neuron after another and all rows at once.

    Args:
        g: [rows, h, w, K], dS/dA.
        A: [rows, h, w, K]; S of a row depends on A of that row alone.
        neurons: from `chosen_neurons`; the 2nd and 3rd derivatives of all others are left at 0.
        layer: its address, for the error.

    Returns:
        [rows, 3, h, w, K].

    Raises:
        UserError: if an operation behind the layer can't be differentiated so often.
    """
    rows = tf.shape(g)[0]
    size = int(np.prod(g.shape[1:]))

    def slope(y: tf.Tensor, i: tf.Tensor) -> tf.Tensor:
        (dy,) = tf.gradients(y, [A], unconnected_gradients="zero")
        return tf.reshape(dy, [rows, size])[:, i]

    def second_and_third(i: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        second = slope(tf.reshape(g, [rows, size])[:, i], i)
        return second, slope(second, i)

    def in_place(of_neurons: tf.Tensor) -> tf.Tensor:
        """[N, rows] -> [rows, h, w, K]."""
        flat = tf.scatter_nd(neurons[:, None], of_neurons, [size, rows])
        return tf.reshape(tf.transpose(flat), [rows, *g.shape[1:]])

    try:
        found = tf.map_fn(second_and_third, neurons, fn_output_signature=(g.dtype, g.dtype))
    except LookupError as error:
        raise UserError(
            f"derivatives=exact: what follows layer {layer!r} can't be differentiated three times "
            f"({error}); choose a later layer, or derivatives=closed"
        ) from error
    return tf.stack([g, *map(in_place, found)], 1)


def derivatives_over_Y(g: tf.Tensor, curved: bool) -> Derivatives:
    """1st, 2nd and 3rd derivatives of Y over Y, each [..., h, w, K].

    Args:
        g: [..., h, w, K], dS/dA; where it is curved [..., 3, h, w, K], from `with_curvature`.
        curved: whether the true 2nd and 3rd derivatives are taken, or the closed form.
    """
    if not curved:
        return equations.derivatives_over_Y(g)
    return equations.exact_derivatives_over_Y(*tf.unstack(g, 3, -4))


def derivatives_of_Y(Y: tf.Tensor, g: tf.Tensor, curved: bool) -> Derivatives:
    """The same times Y, [..., 1, 1, 1]."""
    if not curved:
        return equations.derivatives_of_Y(Y, g)
    return Derivatives(*(Y * over_Y for over_Y in derivatives_over_Y(g, curved)))
