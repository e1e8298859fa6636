"""Lays masks over images on the device: one traced function for each kind of description."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from sgcampp.explain.masks import Boxes, Cells, FeatureMaps, Grids, Masks, Patches

Shape = tuple[int, ...]


class Kind(NamedTuple):
    """A kind of masks within a trace.

    Attributes:
        signature: by (H, W, C): of what its `part` gives.
        lay: ((H, W, C), *part) -> shares float32 [b or 1, s, H, W].
        fill: ((H, W, C), *part) -> what shows where a mask hides, [b, s, H, W, C]; None: the fills
            that all masks share.
    """

    signature: Callable[[Shape], list[tf.TensorSpec]]
    lay: Callable[..., tf.Tensor]
    fill: Callable[..., tf.Tensor] | None = None


def _boxes(shape: Shape, corners: tf.Tensor) -> tf.Tensor:
    top, left, bottom, right = tf.unstack(corners[..., None], axis=1)
    rows, columns = tf.range(shape[0]), tf.range(shape[1])
    down, across = (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
    return tf.cast(~(down[:, :, None] & across[:, None]), tf.float32)[None]


def _cells(shape: Shape, labels: tf.Tensor, shown: tf.Tensor) -> tf.Tensor:
    flat = tf.reshape(labels, [-1, shape[0] * shape[1]])
    shares = tf.gather(shown, flat, axis=2, batch_dims=1)
    return tf.reshape(shares, [-1, tf.shape(shown)[1], *shape[:2]])


def _grids(shape: Shape, values: tf.Tensor, size: tf.Tensor, starts: tf.Tensor) -> tf.Tensor:
    def interpolation(axis: int) -> tf.Tensor:
        """[s, H or W, h or w], the share of each grid point in each pixel."""
        points = tf.range(tf.cast(tf.shape(values)[1 + axis], tf.float32))
        centres = tf.cast(starts[:, axis, None], tf.float32) + tf.range(shape[axis] + 0.0) + 0.5
        position = centres * (points[-1] + 1) / size[axis] - 0.5
        position = tf.clip_by_value(position, 0.0, points[-1])
        return tf.nn.relu(1 - tf.abs(position[..., None] - points))

    return (interpolation(0) @ values @ tf.transpose(interpolation(1), [0, 2, 1]))[None]


def _feature_maps(shape: Shape, values: tf.Tensor) -> tf.Tensor:
    count = tf.shape(values)[1]
    flat = tf.reshape(values, tf.concat([[-1], tf.shape(values)[2:], [1]], 0))
    large = tf.image.resize(flat, shape[:2], "bilinear")[..., 0]
    least = tf.reduce_min(large, [1, 2], keepdims=True)
    most = tf.reduce_max(large, [1, 2], keepdims=True)
    return tf.reshape(tf.math.divide_no_nan(large - least, most - least), [-1, count, *shape[:2]])


def _windows(shape: Shape, first: tf.Tensor, means: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
    return _boxes(shape, tf.concat([first, first + tf.shape(means)[2]], 1))


def _patches(
    shape: Shape, first: tf.Tensor, means: tf.Tensor, window_of: tf.Tensor, own: tf.Tensor
) -> tf.Tensor:
    """Samples at their windows; pixels elsewhere repeat the nearest one."""
    values = tf.gather(means, window_of, axis=1) + own
    for axis in (0, 1):
        places = tf.range(shape[axis]) - first[:, axis, None]
        places = tf.clip_by_value(places, 0, tf.shape(means)[2] - 1)
        every = tf.broadcast_to(places, tf.concat([tf.shape(values)[:1], tf.shape(places)], 0))
        values = tf.gather(values, every, axis=2 + axis, batch_dims=2)
    return values


def _spec(*lengths: int | None, dtype: tf.DType = tf.float32) -> tf.TensorSpec:
    return tf.TensorSpec(lengths, dtype)


KINDS: dict[type[Masks], Kind] = {
    Boxes: Kind(lambda shape: [_spec(None, 4, dtype=tf.int32)], _boxes),
    Cells: Kind(
        lambda shape: [_spec(None, *shape[:2], dtype=tf.int32), _spec(None, None, None)], _cells
    ),
    Grids: Kind(
        lambda shape: [_spec(None, None, None), _spec(2), _spec(None, 2, dtype=tf.int32)], _grids
    ),
    FeatureMaps: Kind(lambda shape: [_spec(None, None, None, None)], _feature_maps),
    Patches: Kind(
        lambda shape: [
            _spec(None, 2, dtype=tf.int32),
            _spec(None, None, None, None, shape[2]),
            _spec(None, dtype=tf.int32),
            _spec(None, None, None, shape[2]),
        ],
        _windows,
        _patches,
    ),
}


def masked(kind: Kind, images: tf.Tensor, fills: tf.Tensor, *part: tf.Tensor) -> tf.Tensor:
    """Images under masks.

    Args:
        kind: of the masks.
        images: [b, H, W, C].
        fills: [b, H, W, C], what shows where a mask hides.
        part: of the masks.

    Returns:
        [b * s, H, W, C], image by image.
    """
    shape = tuple(images.shape[1:])
    # Laid out for each channel: much quicker than to broadcast along the last axis.
    shares = tf.tile(kind.lay(shape, *part)[..., None], [1, 1, 1, 1, shape[-1]])
    # A pixel that is shown whole stays as it is, to the bit.
    hidden = fills[:, None] if kind.fill is None else kind.fill(shape, *part)
    laid = images[:, None] * shares + hidden * (1 - shares)
    return tf.reshape(laid, [-1, *shape])
