"""Reproducible Gaussian noise: sample m's noise depends on (seed, m, input shape) alone."""

import math

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from sgcampp.errors import UserError
from sgcampp.explain.checks import check_noise
from sgcampp.explain.choices import Choices

KEPT_BYTES = 32 << 20
"""Noise of about 50 samples of 224 × 224 pixels."""


@tf.function(
    input_signature=[
        tf.TensorSpec([None], tf.int32),
        tf.TensorSpec([], tf.int64),
        tf.TensorSpec([3], tf.int32),
    ],
    autograph=False,
)
def unit_noise(samples: tf.Tensor, seed: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """Standard normal noise of the given samples; zeros for sample 0, which is the clean image.

    Args:
        samples: int32 [s], s > 0, sample numbers; 0 is the clean image, 1…n are noised.
        seed: int64, 0 … 2^63 - 1.
        shape: int32 [3], (H, W, C).

    Returns:
        float32 [s, H, W, C].
    """
    half = (tf.reduce_prod(shape) + 1) // 2

    def draw(m: tf.Tensor) -> tf.Tensor:
        key = tf.stack([seed, tf.cast(m, tf.int64)])
        # The algorithm is named so that every device draws the same bits. Box and Muller's
        # transform of whole tensors is twice as fast as TensorFlow's stateless_normal.
        u = tf.random.stateless_uniform([2, half], key, alg="philox")
        radius, angle = tf.sqrt(-2 * tf.math.log(1 - u[0])), 2 * math.pi * u[1]
        pairs = tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], 0)
        noise = tf.reshape(pairs[: tf.reduce_prod(shape)], shape)
        return tf.where(m > 0, noise, tf.zeros_like(noise))

    return tf.map_fn(draw, samples, fn_output_signature=tf.float32)


class NoiseSource:
    """Draws the noise of slices of samples, on the device.

    All images share the noise, so it is kept as long as it fits into KEPT_BYTES. `unit_noise` is
    a function of its own, traced once, since XLA would draw other numbers.

    Args:
        seed: 0 … 2^63 - 1.
        shape: (H, W, C) of the model's input.
    """

    def __init__(self, seed: int, shape: tuple[int, ...]) -> None:
        self._seed, self._shape = tf.constant(seed, tf.int64), tf.constant(shape, tf.int32)
        self._kept: dict[tuple[int, ...], tf.Tensor] = {}
        self._room = KEPT_BYTES // (4 * math.prod(shape))

    def __call__(self, samples: NDArray[np.int32]) -> tf.Tensor:
        """Standard normal noise float32 [s, H, W, C] of the samples (see `unit_noise`)."""
        if not len(samples):
            return tf.zeros([0, *self._shape])
        key = tuple(samples.tolist())
        if key in self._kept:
            return self._kept[key]
        noise = unit_noise(tf.constant(samples), self._seed, self._shape)
        if self._room >= len(samples):
            self._room -= len(samples)
            self._kept[key] = noise
        return noise


def noised(images: tf.Tensor, noise: tf.Tensor, std_dev: float, noise_scale: str) -> tf.Tensor:
    """Noised samples x_m = x + sigma eps_m (Smilkov et al. 2017).

    Args:
        images: float32 [b, H, W, C], the model's own input.
        noise: float32 [b, s, H, W, C], or [1, s, H, W, C] for all images the same, standard
            normal; zeros give the image itself.
        std_dev: >= 0; see `noise_scale`.
        noise_scale: `range`: sigma = std_dev (max x - min x), image by image; `absolute`:
            sigma = std_dev.

    Returns:
        float32 [b, s, H, W, C].
    """
    sigma = tf.fill([tf.shape(images)[0], 1, 1, 1], tf.constant(std_dev, tf.float32))
    if noise_scale == "range":
        axes = [1, 2, 3]
        sigma *= tf.reduce_max(images, axes, True) - tf.reduce_min(images, axes, True)
    return images[:, None] + sigma[:, None] * noise


def noised_samples(
    img: ArrayLike, nsamples: int, std_dev: float, seed: int = 0, noise_scale: str = "range"
) -> NDArray[np.float32]:
    """The noised samples that the engine runs, to the bit, for audit and replay.

    Args:
        img: [H, W, C] or [1, H, W, C], the model's own (preprocessed) input.
        nsamples: n >= 0.
        std_dev: >= 0, in units that `noise_scale` names.
        seed: 0 … 2^63 - 1.
        noise_scale: `range` or `absolute`, see `Choices`.

    Returns:
        float32 [n, H, W, C].

    Raises:
        UserError: for values out of range.
    """
    check_noise(nsamples, std_dev, seed)
    Choices(noise_scale=noise_scale)
    image = one_image(img)
    noise = NoiseSource(int(seed), image.shape)(np.arange(1, nsamples + 1, dtype=np.int32))
    return noised(tf.constant(image[None]), noise[None], float(std_dev), noise_scale)[0].numpy()


def one_image(img: ArrayLike, name: str = "img") -> NDArray[np.float32]:
    """Returns img, [H, W, C] or [1, H, W, C], as float32 [H, W, C]; UserError for other shapes."""
    image = np.asarray(img, np.float32)
    if image.ndim == 4 and image.shape[0] == 1:
        image = image[0]
    if image.ndim != 3:
        raise UserError(
            f"{name} has shape {tuple(np.shape(img))}, accepted: [H, W, C] or [1, H, W, C]"
        )
    return image
