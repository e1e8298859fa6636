"""What an engine carries from slice to slice, at one place; tensors within the trace."""

from typing import NamedTuple

import tensorflow as tf

from sgcampp.engine.groups import Deal
from sgcampp.explain.moments import Moments


class ClassState(NamedTuple):
    """One class at one place.

    `g`: [b, h, w, F], clean dS/dA, or [b, 3, h, w, F] with the 2nd and 3rd derivative where they
    are taken exactly; `moments`: one a running average.
    """

    g: tf.Tensor
    moments: tuple[Moments, ...]


class PlaceState(NamedTuple):
    """One place. `A`: [b, h, w, F], clean; `A_sum`: [b, G, h, w, F], summed over the copies."""

    A: tf.Tensor
    A_sum: tf.Tensor
    classes: tuple[ClassState, ...]


class Slice(NamedTuple):
    """What a step runs.

    `first`: bool [b], has the clean sample; `averaged`: bool [b, s]; `deal`: the samples by group.
    """

    first: tf.Tensor
    averaged: tf.Tensor
    deal: Deal

    def chosen(self, new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
        """[b, ...], the new where the clean sample is in the slice, the old elsewhere."""
        first = tf.reshape(self.first, [-1] + [1] * (len(new.shape) - 1))
        return tf.ensure_shape(tf.where(first, new, old), new.shape)


class Scores(NamedTuple):
    """Class scores of one class, [b] each: of the clean image and of its baseline, if any."""

    clean: tf.Tensor
    baseline: tf.Tensor
