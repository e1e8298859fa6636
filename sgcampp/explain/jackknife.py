"""How sure a map is, by the delete-one-group jackknife.

It is that of the map's shape: a map is known up to a positive constant (`log_scale`), and that
constant, e^S of a few samples, is by far less sure than the shape is. So maps are compared at the
same maximum, as pictures show them.
"""

import numpy as np
import tensorflow as tf


def standard_error(whole: tf.Tensor, without: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """How far a map of n samples lies from that of infinitely many, as root mean square.

    The samples are in G groups of m_j, n in all, h_j = n / m_j. From the map and the maps without
    one of the groups follow pseudo-values h_j L - (h_j - 1) L_(j), each worth m_j samples; their
    mean is the estimate without the bias that quotients and cut-offs of averages have, and their
    spread around it is the variance (Busing, Meijer and Van der Leeden 1999, delete-m_j jackknife,
    for groups of unequal sizes). The error is the root of variance plus squared bias: with the
    spread alone, as a standard error in the narrow sense has it, maps of few samples would lie
    further from the long run than it says.

    Args:
        whole: [b, h, w], L.
        without: [b, G, h, w], L_(j), without group j.
        counts: [b, G], m_j >= 1.

    Returns:
        [b, h, w], >= 0, in the map's units.
    """
    L = whole[:, None]
    n = tf.reduce_sum(counts, 1, keepdims=True)
    h = (n / counts)[..., None, None]
    groups = tf.cast(tf.shape(counts)[1], counts.dtype)
    estimate = groups * L - tf.reduce_sum((1 - 1 / h) * without, 1, keepdims=True)
    pseudo = h * L - (h - 1) * without
    variance = tf.reduce_mean((pseudo - estimate) ** 2 / (h - 1), 1)
    return tf.sqrt(variance + (L - estimate)[:, 0] ** 2)


def at_the_peak_of(whole: tf.Tensor, maps: tf.Tensor) -> tf.Tensor:
    """Maps brought to the maximum of another; those of nothing, or to nothing, stay as they are.

    Args:
        whole: [b, h, w], >= 0.
        maps: [b, G, h, w], >= 0.

    Returns:
        [b, G, h, w].
    """
    peak = tf.reduce_max(whole, [-2, -1])[:, None]
    own = tf.reduce_max(maps, [-2, -1])
    factor = tf.where((peak > 0) & (own > 0), peak / own, tf.ones_like(own))
    return maps * factor[..., None, None]


def relative_error(se: tf.Tensor, whole: tf.Tensor) -> tf.Tensor:
    """RMS of a map's error over the map's maximum, [b]; NaN where the map is all zeros.

    Args:
        se: [b, h, w].
        whole: [b, h, w]; of one that may be negative absolute values are taken.
    """
    rms, peak = tf.sqrt(tf.reduce_mean(se**2, [-2, -1])), tf.reduce_max(tf.abs(whole), [-2, -1])
    return tf.where(peak > 0, rms / peak, np.nan)
