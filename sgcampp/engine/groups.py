"""The groups that an image's samples are dealt into, so that its maps have an error."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from sgcampp.explain.tolerance import FEWEST_SAMPLES

MOST_GROUPS = 10
"""Of the jackknife. Two standard errors of ten groups hold 92 % (Student's t, nine degrees of
freedom); twice as many groups would hold 94 %, and cost twice the memory."""
FEWEST_GROUPS = FEWEST_SAMPLES
"""With fewer an error is hardly known by itself."""
ROOM = 64 << 20
"""Numbers that the sums of one image may take, in float32 256 MB: ten groups of VGG-16's
block2_conv2, six of block1_conv2."""


def group_count(samples: int, numbers: int, most: int = MOST_GROUPS) -> int:
    """G, the groups to deal samples into; 1 where there is no error to be had.

    Args:
        samples: n.
        numbers: that the sums of one group take.
        most: G at most.
    """
    groups = min(samples, most, ROOM // max(numbers, 1))
    return groups if groups >= FEWEST_GROUPS else 1


class Deal(NamedTuple):
    """The samples of a slice, dealt in rounds of one a group: sample m to group m mod G.

    Attributes:
        order: int32 [b, r, G], which of the b s samples lies where; None for G = 1, where each
            sample is a round.
        use: bool [b, r, G], where a sample lies that is averaged.
    """

    order: tf.Tensor | None
    use: tf.Tensor

    @property
    def counts(self) -> tf.Tensor:
        """How many samples are averaged in each group, int32 [b, G]."""
        return tf.math.count_nonzero(self.use, 1, dtype=tf.int32)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """[b, s, ...] -> [b, r, G, ...]."""
        if self.order is None:
            return tf.expand_dims(x, 2)
        return tf.gather(tf.reshape(x, [-1, *x.shape[2:]]), self.order)

    def used(self, x: tf.Tensor) -> tf.Tensor:
        """The same, and zeros where no sample lies that is averaged."""
        dealt = self(x)
        ones = [1] * (len(dealt.shape) - 3)
        use = tf.reshape(self.use, [*tf.unstack(tf.shape(self.use)), *ones])
        return tf.where(use, dealt, tf.zeros_like(dealt))

    def add(self, sums: Any, terms: Callable[["Deal"], Any]) -> Any:
        """Adds what the samples give to the sums of their groups.

        One round after another: of these large tensors a processor's cache holds a few at most.

        Args:
            sums: one or several, each [b, G, ...], or [b, 1, ...] of zeros.
            terms: given a deal of some rounds, what their samples give, [b, r, G, ...] each.
        """

        def plus(sums: Any, some: Deal) -> Any:
            return tf.nest.map_structure(_with_term, sums, terms(some))

        order, use = self
        if order is None:
            return plus(sums, self)

        def of_round(at: Any) -> Deal:
            return Deal(order[:, at][:, None], use[:, at][:, None])

        _, sums = tf.while_loop(
            lambda at, _: at < tf.shape(use)[1],
            lambda at, sums: (at + 1, plus(sums, of_round(at))),
            (1, plus(sums, of_round(0))),
            parallel_iterations=1,
        )
        return sums


def _with_term(total: tf.Tensor, term: tf.Tensor) -> tf.Tensor:
    of_rounds = tf.reduce_sum(term, 1)
    # Zeros that only broadcast need not be added: each pass over such tensors tells.
    only_zeros = tf.size(total) < tf.size(of_rounds)
    total = tf.cond(only_zeros, lambda: of_rounds, lambda: total + of_rounds)
    return tf.ensure_shape(total, of_rounds.shape)


def deal(samples: tf.Tensor, averaged: tf.Tensor, groups: int) -> Deal:
    """Deals a slice.

    Args:
        samples: int32 [b, s], consecutive sample numbers of each image.
        averaged: bool [b, s], which of them are averaged.
        groups: G.
    """
    if groups == 1:
        return Deal(None, averaged[..., None])
    images, length = tf.unstack(tf.shape(samples))
    rounds = -(-length // groups)
    first_of_group = (tf.range(groups) - samples[:, :1]) % groups
    order = first_of_group[:, None] + groups * tf.range(rounds)[:, None]
    there = order < length
    order = tf.minimum(order, length - 1) + length * tf.range(images)[:, None, None]
    order = tf.ensure_shape(order, [None, None, groups])
    return Deal(order, tf.gather(tf.reshape(averaged, [-1]), order) & there)
