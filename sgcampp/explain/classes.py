"""Class codes, as the engine takes them, and the class scores that they pick.

A code is a pair: a class, and the class that counts against it in a contrast S_a - S_b, or
NO_CLASS. c >= 0 is class c; -r is the class of the r-th highest score on the clean image. The
engine resolves ranks on the device and holds the class for all copies of the image.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

NO_CLASS = np.iinfo(np.int32).min
"""Stands for the other class where there is no contrast."""


def check_codes(codes: NDArray[np.int32], classes: int) -> None:
    """Raises UserError for a class or a rank that a model of `classes` classes does not have.

    Args:
        codes: int32 [..., 2].
        classes: C.
    """
    used = codes[codes != NO_CLASS]
    lowest, highest = int(used.min()), int(used.max())
    if highest >= classes:
        raise UserError(
            f"class {highest} does not exist: the model has {classes} classes, 0 to {classes - 1}"
        )
    if lowest < -classes:
        raise UserError(f"top{-lowest} asks for more than the model's {classes} classes")


def resolved(codes: "tf.Tensor", clean_logits: "tf.Tensor") -> "tf.Tensor":
    """Replaces codes -1, -2, … by the classes of the highest, second highest, … clean score.

    Args:
        codes: int32 [b, T, 2].
        clean_logits: [b, C].

    Returns:
        int32 [b, T, 2], classes or NO_CLASS.
    """
    import tensorflow as tf

    classes = clean_logits.shape[-1]
    ranked = tf.math.top_k(clean_logits, classes).indices
    rank = tf.clip_by_value(-1 - codes, 0, classes - 1)
    by_rank = tf.gather(ranked, rank, batch_dims=1)
    return tf.where((codes < 0) & (codes != NO_CLASS), by_rank, codes)


def scores_of(scores: "tf.Tensor", class_idx: "tf.Tensor", contrast: bool = True) -> "tf.Tensor":
    """Picks classes: S_a, or S_a - S_b where there is a contrast.

    Args:
        scores: [b, s, C].
        class_idx: int32 [b, T, 2], resolved.
        contrast: whether b counts.

    Returns:
        [b, s, T].
    """
    import tensorflow as tf

    def of(idx: "tf.Tensor") -> "tf.Tensor":
        idx = tf.repeat(tf.maximum(idx, 0)[:, None], tf.shape(scores)[1], axis=1)
        return tf.gather(scores, idx, batch_dims=2)

    chosen = of(class_idx[..., 0])
    if not contrast:
        return chosen
    against = of(class_idx[..., 1])
    counts = tf.equal(class_idx[..., 1], NO_CLASS)[:, None]
    return chosen - tf.where(counts, tf.zeros_like(against), against)
