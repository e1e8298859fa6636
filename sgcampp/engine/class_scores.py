"""The class scores that class codes pick, within a trace (see `explain.classes`)."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from sgcampp.explain.classes import NO_CLASS


def resolved(codes: tf.Tensor, clean_logits: tf.Tensor) -> tf.Tensor:
    """Replaces codes -1, -2, … by the classes of the highest, second highest, … clean score.

    Args:
        codes: int32 [b, T, 2].
        clean_logits: [b, C].

    Returns:
        int32 [b, T, 2], classes or NO_CLASS.
    """
    classes = clean_logits.shape[-1]
    ranked = tf.math.top_k(clean_logits, classes).indices
    rank = tf.clip_by_value(-1 - codes, 0, classes - 1)
    by_rank = tf.gather(ranked, rank, batch_dims=1)
    return tf.where((codes < 0) & (codes != NO_CLASS), by_rank, codes)


def scores_of(scores: tf.Tensor, class_idx: tf.Tensor, contrast: bool = True) -> tf.Tensor:
    """Picks classes: S_a, or S_a - S_b where there is a contrast.

    Args:
        scores: [b, s, C].
        class_idx: int32 [b, T, 2], resolved.
        contrast: whether b counts.

    Returns:
        [b, s, T].
    """
    chosen = _picked(scores, class_idx[..., 0])
    if not contrast:
        return chosen
    against = _picked(scores, class_idx[..., 1])
    counts = tf.equal(class_idx[..., 1], NO_CLASS)[:, None]
    return chosen - tf.where(counts, tf.zeros_like(against), against)


@tf.custom_gradient
def _picked(scores: tf.Tensor, class_idx: tf.Tensor) -> tuple[tf.Tensor, Callable[..., Any]]:
    """[b, s, C] and int32 [b, T], those below 0 as 0 -> [b, s, T].

    TensorFlow's own derivative of a gather is traced in a hundred operations.
    """
    idx = tf.maximum(class_idx, 0)

    def derivative(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        one_hot = tf.one_hot(idx, scores.shape[-1], dtype=scores.dtype)
        return tf.matmul(upstream, one_hot), None

    return tf.gather(scores, idx, axis=2, batch_dims=1), derivative
