"""How a method says what is hidden of an image: few numbers that the device lays out as masks.

A mask has a share for each pixel: 1 leaves it as it is, 0 puts the fill in its place. No mask is
laid out on the host; m is the number of masks, and an axis of length 1 stands for all b images.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
"""Numbers of images, or of masks."""

AT_ONCE = 256
"""Grids that are added up at a time, so that memory does not grow with their number."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """Rectangles that are hidden, the same for all images.

    Attributes:
        corners: int32 [m, 4], the first row and column of each, and the first ones beyond it.
    """

    corners: NDArray[np.int32]

    @property
    def count(self) -> int:
        """M, how many masks."""
        return len(self.corners)

    def part(self, images: Rows, masks: Rows) -> tuple[NDArray[Any], ...]:
        """What the device needs for some masks of some images."""
        return (self.corners[masks],)

    def spread(self, weights: Floats, size: tuple[int, int]) -> Floats:
        """Each box's weights, added up at its pixels.

        Args:
            weights: [b, m, T].
            size: (H, W).

        Returns:
            [b, T, H, W].
        """
        top, left, bottom, right = self.corners.T[..., None]
        rows, columns = (np.arange(length) for length in size)
        down = ((rows >= top) & (rows < bottom)).astype(np.float64)
        across = ((columns >= left) & (columns < right)).astype(np.float64)
        weighted = np.moveaxis(weights, 1, 2)[:, :, None] * down.T
        return weighted @ across


@dataclass(frozen=True, eq=False)
class Cells:
    """Parts that an image falls into, each of which a mask shows or hides.

    Attributes:
        labels: int32 [b, H, W], the cell of each pixel, 0 … c - 1.
        shown: float32 [b, m, c], the share of each cell.
    """

    labels: NDArray[np.int32]
    shown: NDArray[np.float32]

    @property
    def count(self) -> int:
        """M, how many masks."""
        return self.shown.shape[1]

    def part(self, images: Rows, masks: Rows) -> tuple[NDArray[Any], ...]:
        """What the device needs for some masks of some images."""
        return self.labels[images], self.shown[images][:, masks]


@dataclass(frozen=True, eq=False)
class Grids:
    """Coarse grids, upsampled bilinearly and cut out of what that gives; the same for all images.

    Attributes:
        values: float32 [m, h, w].
        size: (H', W') that a grid is upsampled to, with half-pixel centres.
        starts: int32 [m, 2], the row and column of that where the image begins.
    """

    values: NDArray[np.float32]
    size: tuple[int, int]
    starts: NDArray[np.int32]

    @property
    def count(self) -> int:
        """M, how many masks."""
        return len(self.values)

    def part(self, images: Rows, masks: Rows) -> tuple[NDArray[Any], ...]:
        """What the device needs for some masks of some images."""
        return self.values[masks], np.array(self.size, np.float32), self.starts[masks]

    def spread(self, weights: Floats, size: tuple[int, int]) -> Floats:
        """The masks' sum, each times its weight: what a method adds up without laying them out.

        Args:
            weights: [b, m, T].
            size: (H, W).

        Returns:
            [b, T, H, W].
        """
        weighted = np.moveaxis(weights, 1, 2)
        total = np.zeros((*weighted.shape[:2], *size))
        for at in range(0, self.count, AT_ONCE):
            part = slice(at, at + AT_ONCE)
            down = self._interpolation(size[0], 0, part)
            across = self._interpolation(size[1], 1, part)
            wide = self.values[part] @ across.transpose(0, 2, 1)
            # sum over masks and a grid's rows at once: [H, m·h] @ [m·h, W] for each image and class
            each = weighted[..., part, None, None] * wide
            flat = each.reshape(*each.shape[:2], -1, size[1])
            total += down.transpose(1, 0, 2).reshape(size[0], -1) @ flat
        return total

    def _interpolation(self, pixels: int, axis: int, part: slice) -> Floats:
        """[m, pixels, grid], the share of each grid point in each pixel along one axis."""
        points = self.values.shape[1 + axis]
        centres = self.starts[part, axis, None] + np.arange(pixels) + 0.5
        position = np.clip(centres * points / self.size[axis] - 0.5, 0, points - 1)
        return np.maximum(0, 1 - np.abs(position[..., None] - np.arange(points)))


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """Maps at a layer, upsampled bilinearly to the image, then each from its least 0 to its most 1.

    Attributes:
        values: float32 [b, m, h, w]; a flat one hides all.
    """

    values: NDArray[np.float32]

    @property
    def count(self) -> int:
        """M, how many masks."""
        return self.values.shape[1]

    def part(self, images: Rows, masks: Rows) -> tuple[NDArray[Any], ...]:
        """What the device needs for some masks of some images."""
        return (self.values[images][:, masks],)


@dataclass(frozen=True, eq=False)
class Patches:
    """Windows in whose place other pixels stand, each with s samples: m = w·s, window by window.

    Attributes:
        first: int32 [w, 2], the first row and column of each window.
        means: float32 [b, w, k, k, C], what stands there on average.
        deviations: float32 [o, s, k, k, C], what samples add to that.
        kinds: int32 [w], 0 … o - 1, which deviations are a window's.
    """

    first: NDArray[np.int32]
    means: NDArray[np.float32]
    deviations: NDArray[np.float32]
    kinds: NDArray[np.int32]

    @property
    def count(self) -> int:
        """M, how many masks."""
        return len(self.first) * self.deviations.shape[1]

    def part(self, images: Rows, masks: Rows) -> tuple[NDArray[Any], ...]:
        """What the device needs for some masks of some images."""
        window, sample = np.divmod(masks, self.deviations.shape[1])
        used, window_of = np.unique(window, return_inverse=True)
        own = self.deviations[self.kinds[window], sample]
        return self.first[window], self.means[images][:, used], window_of.astype(np.int32), own


Masks = Boxes | Cells | Grids | FeatureMaps | Patches
