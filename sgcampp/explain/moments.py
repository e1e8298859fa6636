"""Streaming weighted averages over noised samples, stable for any class score.

With score=exp_logit sample m weighs e^{S_m}. The sums are kept relative to the largest score seen,
e^{S_m - m*}, and rescaled when it rises: memory does not grow with n, and nothing overflows.

Samples are in groups, and each group has sums of its own: what the averages would be without one of
the groups tells how sure they are (`jackknife`).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

PACK = 16
"""Numbers that a processor takes at once, at most."""


class Moments(NamedTuple):
    """Sums over the samples seen so far, for b images, G groups and one class.

    Attributes:
        top: [b], the largest class score m*; the dtype's lowest number before the first sample.
        weight: [b], sum of weights w_m = e^{S_m - m*} (or 1 each).
        weight2: [b], sum of w_m^2.
        counts: [b, G], samples in each group.
        sums: sums of w_m * term_m in each group, each [b, G, ...], by the terms' own names.
    """

    top: tf.Tensor
    weight: tf.Tensor
    weight2: tf.Tensor
    counts: tf.Tensor
    sums: Any


def no_moments(images: int, groups: int, ranks: Any, dtype: tf.DType) -> Moments:
    """Moments before the first sample.

    Args:
        images: b.
        groups: G.
        ranks: a NamedTuple like the terms, with each one's number of axes after the group axis;
            sums start as [b, 1, …], which broadcasts, so that no zeros are moved.
        dtype: of the sums.
    """
    zero = tf.zeros([images], dtype)
    sums = type(ranks)(*(tf.reshape(zero, [-1] + [1] * (rank + 1)) for rank in ranks))
    counts = tf.zeros([images, groups], dtype)
    return Moments(tf.fill([images], dtype.min), zero, zero, counts, sums)


def add_samples(
    moments: Moments,
    S: tf.Tensor,
    use: tf.Tensor,
    counts: tf.Tensor,
    add_terms: Callable[[Any, tf.Tensor], Any],
    weighting: str,
    anew: tf.Tensor,
) -> Moments:
    """Adds s samples of each of b images.

    Args:
        moments: the sums so far.
        S: [b, s], class scores.
        use: bool [b, s], which of the samples count.
        counts: [b, G], how many of these are in each group.
        add_terms: given the sums so far, and the weights [b, s], 0 for a sample that does not
            count, returns the sums with what is averaged times its weight.
        weighting: `exp_logit` weighs sample m by e^{S_m}, `logit` by 1.
        anew: bool [b], the images whose sums so far count for nothing.
    """
    lowest = S.dtype.min
    before = tf.where(anew, lowest, moments.top)
    top = tf.maximum(before, tf.reduce_max(tf.where(use, S, lowest), 1))
    relative = S - top[:, None]
    weight = _exp(relative) if weighting == "exp_logit" else tf.ones_like(S)
    weight = tf.where(use, weight, tf.zeros_like(weight))
    # Relative to a raised maximum, all earlier weights shrink by the same factor.
    shrink = _exp(before - top) if weighting == "exp_logit" else tf.ones_like(top)
    shrink = tf.where(anew, tf.zeros_like(shrink), shrink)
    return Moments(
        top,
        moments.weight * shrink + tf.reduce_sum(weight, 1),
        moments.weight2 * shrink**2 + tf.reduce_sum(weight**2, 1),
        tf.where(anew[:, None], tf.zeros_like(moments.counts), moments.counts) + counts,
        add_terms(_rescaled(moments.sums, shrink), weight),
    )


def _rescaled(sums: Any, shrink: tf.Tensor) -> Any:
    """The sums, smaller where a maximum has risen."""
    same = tf.reduce_all(tf.equal(shrink, 1))
    # Large sums are passed over as seldom as can be; times 1 they would be the same to the bit.
    kept = tf.cond(
        same,
        lambda: tuple(sums),
        lambda: tuple(tf.math.multiply_no_nan(total, _like(shrink, total)) for total in sums),
    )
    return type(sums)(*kept)


def mean_terms(moments: Moments) -> Any:
    """The sums of all groups over the number of samples, [b, ...], by the terms' own names."""
    count = tf.reduce_sum(moments.counts, 1)
    totals = (_all_groups(of_groups)[:, 0] for of_groups in moments.sums)
    return type(moments.sums)(*(total / _like(count, total) for total in totals))


def terms_without(moments: Moments) -> Any:
    """For each group the sums of all others, [b, G, ...], by the terms' own names."""
    return type(moments.sums)(*map(without_each, moments.sums))


def without_each(sums: tf.Tensor) -> tf.Tensor:
    """For each of [b, G, ...] the sum of all others, likewise."""
    return _all_groups(sums) - sums


def _all_groups(sums: tf.Tensor) -> tf.Tensor:
    """[b, G, ...] -> [b, 1, ...]; written alike everywhere, it is worked out once in a trace."""
    return tf.reduce_sum(sums, 1, keepdims=True)


def counts_without(moments: Moments) -> tf.Tensor:
    """The samples of all other groups, [b, G, 1, 1]."""
    return without_each(moments.counts)[..., None, None]


def effective_samples(moments: Moments) -> tf.Tensor:
    """The effective sample size of the weights, (sum w)^2 / sum w^2, [b], from 1 to n."""
    return tf.math.divide_no_nan(moments.weight**2, moments.weight2)


def _exp(x: tf.Tensor) -> tf.Tensor:
    """e^x, to the same bits wherever in a tensor a number stands.

    TensorFlow takes numbers in packs of the processor's width and those that are left over one by
    one, by another routine, whose last digit differs. So each number gets a pack of its own.
    """
    packs = tf.concat([tf.shape(x), [PACK]], 0)
    return tf.exp(tf.broadcast_to(x[..., None], packs))[..., 0]


def _like(x: tf.Tensor, total: tf.Tensor) -> tf.Tensor:
    """[b] -> [b, 1, …], to multiply `total` image by image."""
    return tf.reshape(x, [-1] + [1] * (len(total.shape) - 1))
