"""The copies of an image that the network sees: with noise, or on a straight path to the image."""

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

    def draw(self, samples: NDArray[np.int32]) -> tf.Tensor:
        """What makes these samples, float32 [s, *shape]."""

    def make(self, images: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
        """Images float32 [b, H, W, C] -> copies [b, s, H, W, C], within a trace.

        Drawn is [b, s, *shape], or [1, s, *shape] if the same for all images.
        """


class NoCopies:
    """The image alone."""

    shape = (1, 1, 1)
    extra = 0

    def draw(self, samples: NDArray[np.int32]) -> tf.Tensor:
        """Zeros, which nothing is made of."""
        return tf.zeros([len(samples), *self.shape])

    def make(self, images: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
        """The image, as its own sample 0."""
        return images[:, None]


class NoisedCopies:
    """Samples 1 … n are noised (see `noise`).

    Args:
        sampling: with noise.
        shape: (H, W, C) of the model's input.
    """

    extra = 0

    def __init__(self, sampling: Sampling, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._sampling = sampling
        self._source = NoiseSource(sampling.seed, shape)

    def draw(self, samples: NDArray[np.int32]) -> tf.Tensor:
        """Standard normal noise."""
        return self._source(samples)

    def make(self, images: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
        """Adds the noise at its strength."""
        return noised(images, drawn, self._sampling.std_dev, self._sampling.noise_scale)


class PathCopies:
    """Samples 1 … n lie at (m - 1/2)/n of the way from zeros to the image; n + 1 is the zeros.

    Midpoints: the mean over them is Sundararajan et al.'s integral with an error of order 1/n^2
    where the score is smooth.

    Args:
        steps: n.
    """

    shape = (1, 1, 1)
    extra = 1

    def __init__(self, steps: int) -> None:
        self._shares = np.array([1, *(np.arange(steps) + 0.5) / steps, 0], np.float32)

    def draw(self, samples: NDArray[np.int32]) -> tf.Tensor:
        """Shares of the way."""
        return tf.constant(self._shares[samples][:, None, None, None])

    def make(self, images: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
        """Goes that share of the way."""
        return images[:, None] * drawn


def copies_for(sampling: Sampling, shape: tuple[int, ...]) -> Copies:
    """What makes a sampling's copies of images of shape (H, W, C)."""
    if sampling.on_path:
        return PathCopies(sampling.nsamples)
    return NoisedCopies(sampling, shape) if sampling.nsamples else NoCopies()
