"""Streaming weighted averages over noised samples, stable for any class score.

With score=exp_logit sample m weighs e^{S_m}. The sums are kept relative to the largest score seen,
e^{S_m - m*}, and rescaled when it rises: memory does not grow with n, and nothing overflows.
"""

from typing import Any, NamedTuple

import tensorflow as tf

PACK = 16
"""Numbers that a processor takes at once, at most."""


class Moments(NamedTuple):
    """Sums over the samples seen so far, for b images and one class.

    Attributes:
        top: [b], the largest class score m*; the dtype's lowest number before the first sample.
        weight: [b], sum of weights w_m = e^{S_m - m*} (or 1 each).
        weight2: [b], sum of w_m^2.
        sums: sums of w_m * term_m, each [b, ...], by the terms' own names.
    """

    top: tf.Tensor
    weight: tf.Tensor
    weight2: tf.Tensor
    sums: Any


def no_moments(images: int, ranks: Any, dtype: tf.DType) -> Moments:
    """Moments before the first sample.

    Args:
        images: b.
        ranks: a NamedTuple like the terms, with each one's number of axes after the image axis;
            sums start as [b, 1, …], which broadcasts, so that no zeros are moved.
        dtype: of the sums.
    """
    zero = tf.zeros([images], dtype)
    sums = type(ranks)(*(tf.reshape(zero, [-1] + [1] * rank) for rank in ranks))
    return Moments(tf.fill([images], dtype.min), zero, zero, sums)


def add_samples(
    moments: Moments, S: tf.Tensor, use: tf.Tensor, terms: Any, weighting: str
) -> Moments:
    """Adds s samples of each of b images.

    Args:
        moments: the sums so far.
        S: [b, s], class scores.
        use: bool [s], which of the samples count.
        terms: a NamedTuple of what is averaged, each [b, s, ...].
        weighting: `exp_logit` weighs sample m by e^{S_m}, `logit` by 1.
    """
    used = tf.broadcast_to(use[None], tf.shape(S))
    top = tf.maximum(moments.top, tf.reduce_max(tf.where(used, S, S.dtype.min), 1))
    # Relative to a raised maximum, all earlier weights shrink by the same factor.
    shrink = _exp(moments.top - top) if weighting == "exp_logit" else tf.ones_like(top)
    weight = _exp(S - top[:, None]) if weighting == "exp_logit" else tf.ones_like(S)
    weight = tf.where(used, weight, tf.zeros_like(weight))
    added = (
        total * _like(shrink, total) + _weighted_sum(weight, term)
        for total, term in zip(moments.sums, terms, strict=True)
    )
    return Moments(
        top,
        moments.weight * shrink + tf.reduce_sum(weight, 1),
        moments.weight2 * shrink**2 + tf.reduce_sum(weight**2, 1),
        type(terms)(*added),
    )


def mean_terms(moments: Moments, samples: int) -> Any:
    """The sums over the number of samples, by the terms' own names."""
    return type(moments.sums)(*(total / samples for total in moments.sums))


def effective_samples(moments: Moments) -> tf.Tensor:
    """The effective sample size of the weights, (sum w)^2 / sum w^2, [b], from 1 to n."""
    return tf.math.divide_no_nan(moments.weight**2, moments.weight2)


def _exp(x: tf.Tensor) -> tf.Tensor:
    """e^x, to the same bits wherever in a tensor a number stands.

    TensorFlow takes numbers in packs of the processor's width and those that are left over one by
    one, by another routine, whose last digit differs. So each number gets a pack of its own.
    """
    return tf.exp(tf.repeat(x[..., None], PACK, -1))[..., 0]


def _weighted_sum(weight: tf.Tensor, term: tf.Tensor) -> tf.Tensor:
    """sum_s weight [b, s] * term [b, s, ...] -> [b, ...].

    Not as a product of matrices, which a lower precision of the network would drag along.
    """
    rank = len(term.shape) - 2
    return tf.reduce_sum(tf.reshape(weight, [*tf.unstack(tf.shape(weight)), *[1] * rank]) * term, 1)


def _like(x: tf.Tensor, total: tf.Tensor) -> tf.Tensor:
    """[b] -> [b, 1, …], to multiply `total` image by image."""
    return tf.reshape(x, [-1] + [1] * (len(total.shape) - 1))
