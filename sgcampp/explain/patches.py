"""What a patch of an image may look like: a Gaussian, fitted to patches of other images.

Zintgraf et al. (2017), section 3.1: patches are normally distributed wherever they lie, so that a
window's pixels given those around it are too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sgcampp.draws import random_normals, random_words
from sgcampp.errors import UserError
from sgcampp.explain.masks import Floats

AROUND = 2
"""Pixels on each side of a window that its own are conditioned on."""
PATCHES = 100
"""Of an image that the Gaussian is fitted to."""
LEAST_VARIANCE = 1e-3
"""What is added to each pixel's variance, as a share of the mean one."""
MOST_NUMBERS = 8000
"""Of a patch: its covariance has the square of that, 512 MB."""


@dataclass(frozen=True, eq=False)
class PatchGaussian:
    """Patches of side l with C channels, d = l·l·C numbers.

    Attributes:
        mean: float64 [d].
        covariance: float64 [d, d].
        side: l.
    """

    mean: Floats
    covariance: Floats
    side: int
    _windows: dict[tuple[int, ...], "WindowGaussian"] = field(default_factory=dict, repr=False)

    @property
    def channels(self) -> int:
        """C."""
        return len(self.mean) // self.side**2

    def window(self, row: int, column: int, side: int, given: bool) -> "WindowGaussian":
        """The Gaussian of a window within a patch; worked out once.

        Args:
            row: of the window's first pixel in the patch.
            column: likewise.
            side: of the window.
            given: whether the pixels around it are known; else they are left aside.
        """
        key = row, column, side, given
        if key not in self._windows:
            self._windows[key] = self._window(*key)
        return self._windows[key]

    def _window(self, row: int, column: int, side: int, given: bool) -> "WindowGaussian":
        inside = np.zeros((self.side, self.side, self.channels), bool)
        inside[row : row + side, column : column + side] = True
        own, around = np.flatnonzero(inside), np.flatnonzero(~inside if given else inside * 0)
        within = self.covariance[np.ix_(own, own)]
        across = self.covariance[np.ix_(around, own)]
        among = self.covariance[np.ix_(around, around)]
        pull = np.linalg.solve(among, across)
        spread = np.linalg.cholesky(within - across.T @ pull)
        return WindowGaussian(
            mean=self.mean[own],
            around_mean=self.mean[around],
            pull=np.asarray(pull, np.float64),
            spread=np.asarray(spread, np.float64),
            around=around,
            side=side,
        )


@dataclass(frozen=True, eq=False)
class WindowGaussian:
    """A window's e = k·k·C numbers, given the f around it.

    Attributes:
        mean: [e].
        around_mean: [f].
        pull: [f, e], how the window's mean follows what is around it.
        spread: [e, e], lower triangular: the square root of its covariance.
        around: int64 [f], where what is around it lies in a patch.
        side: k.
    """

    mean: Floats
    around_mean: Floats
    pull: Floats
    spread: Floats
    around: NDArray[np.int64]
    side: int

    def means(self, patches: NDArray[np.float32]) -> Floats:
        """The window's mean in patches [n, l, l, C] that it lies in, [n, k, k, C]."""
        known = patches.reshape(len(patches), -1)[:, self.around] - self.around_mean
        return (self.mean + known @ self.pull).reshape(len(patches), self.side, self.side, -1)

    def deviations(self, count: int, seed: int) -> Floats:
        """Samples less the mean, [count, k, k, C]; the same for all windows like this one."""
        noise = random_normals(count * len(self.mean), "patches", seed).reshape(count, -1)
        return (noise @ self.spread.T).reshape(count, self.side, self.side, -1)


def check_side(side: int, channels: int) -> int:
    """Returns the side of patches; UserError where their covariance would not fit into memory."""
    if side**2 * channels > MOST_NUMBERS:
        most = int((MOST_NUMBERS / channels) ** 0.5) - 2 * AROUND
        raise UserError(
            f"prediction_difference learns the covariance of patches of {side} × {side} pixels, "
            f"which is too large: give a window of at most {most}"
        )
    return side


def fit(images: Iterable[NDArray[np.float32]], side: int, seed: int) -> PatchGaussian:
    """Fits the Gaussian to patches of images, at random places of each.

    Args:
        images: float32 [H, W, C] each, the model's own input.
        side: l, at most the images' own.
        seed: of the places.

    Raises:
        UserError: without an image.
    """
    count, total, products = 0, np.zeros(0), np.zeros((0, 0))
    for number, image in enumerate(images):
        patches = _patches(image, side, seed, number)
        if not count:
            total, products = np.zeros(patches.shape[1]), np.zeros((patches.shape[1],) * 2)
        count += len(patches)
        total += patches.sum(0)
        products += patches.T @ patches
    if not count:
        raise UserError(
            "prediction_difference fits a model of patches to images, and there is none that can "
            "be read"
        )
    mean = total / count
    covariance = products / count - np.outer(mean, mean)
    least = LEAST_VARIANCE * max(float(np.trace(covariance)) / len(mean), np.finfo(float).tiny)
    return PatchGaussian(mean, covariance + least * np.eye(len(mean)), side)


def _patches(image: NDArray[np.float32], side: int, seed: int, number: int) -> Floats:
    """[PATCHES, d], at places that depend on the seed and the image's number."""
    room = np.array([length - side + 1 for length in image.shape[:2]], np.uint64)
    words = random_words(2 * PATCHES, "patch places", seed, number).reshape(-1, 2)
    places = (words % room).astype(int)
    parts = [image[y : y + side, x : x + side].ravel() for y, x in places]
    return np.stack(parts).astype(np.float64)
