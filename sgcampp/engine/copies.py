"""The copies of an image that the network sees: with noise, or on the way from a baseline."""

from typing import Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.explain.looks import Sampling
from sgcampp.explain.noise import NoiseSource, noised


class Copies(Protocol):
    """Makes copies of images; sample 0 is the image itself, and comes first."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what `draw` gives for a sample."""

    @property
    def extra(self) -> int:
        """Passes beside the averaged copies and the image."""

    @property
    def together(self) -> int:
        """Samples that a step has at least; of several, all images' first ones come first."""

    def draw(self, samples: NDArray[np.int32]) -> tf.Tensor:
        """What makes these samples, float32 [s, *shape]."""

    def make(self, images: tf.Tensor, drawn: tf.Tensor, origin: tf.Tensor) -> tf.Tensor:
        """Images float32 [b, H, W, C] -> copies [b, s, H, W, C], within a trace.

        Drawn is [b, s, *shape], or [1, s, *shape] if the same for all images; `origin` is what
        images are held against, float32 [b, H, W, C].
        """

    def averaged(self, samples: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
        """Bool [b, s], which of the samples [b, s] are averaged."""


class NoCopies:
    """The image alone."""

    shape = (1, 1, 1)
    extra = 0
    together = 1

    def draw(self, samples: NDArray[np.int32]) -> tf.Tensor:
        """Zeros, which nothing is made of."""
        return tf.zeros([len(samples), *self.shape])

    def make(self, images: tf.Tensor, drawn: tf.Tensor, origin: tf.Tensor) -> tf.Tensor:
        """The image, as its own sample 0."""
        return images[:, None]

    def averaged(self, samples: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
        """None."""
        return tf.zeros_like(samples, tf.bool)


class PairedCopies(NoCopies):
    """The image, and as sample 1 what it is held against; nothing is averaged."""

    extra = 1
    together = 2

    def make(self, images: tf.Tensor, drawn: tf.Tensor, origin: tf.Tensor) -> tf.Tensor:
        """Both, beside each other."""
        return tf.stack([images, tf.broadcast_to(origin, tf.shape(images))], 1)


class NoisedCopies:
    """Samples 1 … n are noised (see `noise`).

    Args:
        sampling: with noise.
        shape: (H, W, C) of the model's input.
    """

    extra = 0
    together = 1

    def __init__(self, sampling: Sampling, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._sampling = sampling
        self._source = NoiseSource(sampling.seed, shape)

    def draw(self, samples: NDArray[np.int32]) -> tf.Tensor:
        """Standard normal noise."""
        return self._source(samples)

    def make(self, images: tf.Tensor, drawn: tf.Tensor, origin: tf.Tensor) -> tf.Tensor:
        """Adds the noise at its strength."""
        return noised(images, drawn, self._sampling.std_dev, self._sampling.noise_scale)

    def averaged(self, samples: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
        """All n but the image itself."""
        return (samples > 0) & (samples <= self._sampling.nsamples)


class PathCopies:
    """Samples 1 … n lie at (m - 1/2)/n of the way from x0 to the image; n + 1 is x0.

    Midpoints: the mean over them is Sundararajan et al.'s integral with an error of order 1/n^2
    where the score is smooth.

    Args:
        steps: n.
    """

    shape = (1, 1, 1)
    extra = 1
    together = 1

    def __init__(self, steps: int) -> None:
        self._shares = np.array([1, *(np.arange(steps) + 0.5) / steps, 0], np.float32)

    def draw(self, samples: NDArray[np.int32]) -> tf.Tensor:
        """Shares of the way."""
        return tf.constant(self._shares[samples][:, None, None, None])

    def make(self, images: tf.Tensor, drawn: tf.Tensor, origin: tf.Tensor) -> tf.Tensor:
        """Goes that share of the way."""
        return origin[:, None] + (images - origin)[:, None] * drawn

    def averaged(self, samples: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
        """All between both ends."""
        share = tf.broadcast_to(drawn[..., 0, 0, 0], tf.shape(samples))
        return (share > 0) & (share < 1)


def copies_for(sampling: Sampling, shape: tuple[int, ...]) -> Copies:
    """What makes a sampling's copies of images of shape (H, W, C)."""
    if sampling.on_path:
        return PathCopies(sampling.nsamples)
    if sampling.baseline is not None:
        return PairedCopies()
    return NoisedCopies(sampling, shape) if sampling.nsamples else NoCopies()
