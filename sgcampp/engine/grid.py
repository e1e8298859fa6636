"""How images and noised samples are laid out in device batches."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError

AUTO_BATCH_SIZE = 16
"""B for batch_size='auto'; about 10 VGG-16 images are on the CPU's plateau."""

MOST_SAMPLES = 1_000_000


@dataclass(frozen=True)
class Grid:
    """A group of images and the slices their samples are cut into.

    It depends on the sampling, B and the number of images of the whole listing alone, never on what
    is left to do: a map is then the same to the bit in any order, resume or shard.

    Attributes:
        images: b, images a group; the last group is padded to it.
        slices: the samples of each step, int32 [s]; sample 0 is the clean image and comes first.
    """

    images: int
    slices: tuple[NDArray[np.int32], ...]


def lay_out(nsamples: int, batch_size: int, total: int) -> Grid:
    """Lays n + 1 samples an image (the clean one and n noised ones) out in batches of at most B.

    Args:
        nsamples: n >= 0.
        batch_size: B >= 1.
        total: images of the whole listing, >= 1.

    Returns:
        A grid of b images with b * s <= B in each step; slices differ in length by one at most, so
        that nothing is padded.
    """
    samples = np.arange(nsamples + 1, dtype=np.int32)
    steps = -(-len(samples) // batch_size)
    slices = tuple(np.array_split(samples, steps))
    return Grid(max(1, min(total, batch_size // len(slices[0]))), slices)


def check_batch_size(batch_size: int | str) -> int:
    """Returns B; UserError unless it is `auto` or a whole number from 1 to 10^6."""
    if batch_size == "auto":
        return AUTO_BATCH_SIZE
    whole = isinstance(batch_size, (int, np.integer)) and not isinstance(batch_size, bool)
    if not whole or not 1 <= int(batch_size) <= MOST_SAMPLES:
        raise UserError(
            f"batch_size is {batch_size!r:.50}, accepted: auto or a whole number from 1 to 10^6"
        )
    return int(batch_size)
