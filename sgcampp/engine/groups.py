"""The groups that an image's samples are dealt into, so that its maps have an error."""

from typing import NamedTuple

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
        order: int32 [b, r * G], which of the slice's samples lies where; None for G = 1, where
            each sample is a round.
        use: bool [b, r, G], where a sample lies that is averaged.
    """

    order: tf.Tensor | None
    use: tf.Tensor

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """[b, s, ...] -> [b, r, G, ...]."""
        if self.order is None:
            return tf.expand_dims(x, 2)
        dealt = tf.gather(x, self.order, batch_dims=1)
        rounds_and_groups = tf.unstack(tf.shape(self.use))[1:]
        shape = [tf.shape(x)[0], rounds_and_groups[0], self.use.shape[2], *x.shape[2:]]
        return tf.reshape(dealt, shape)


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
    order = tf.reshape(tf.minimum(order, length - 1), [images, -1])
    use = tf.reshape(tf.gather(averaged, order, batch_dims=1), [images, rounds, groups])
    return Deal(order, tf.ensure_shape(use & there, [None, None, groups]))
