"""How images and noised samples are laid out in device batches."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Grid:
    """A group of images and the slices their samples are cut into.

    It depends on what is looked at, the sampling, B and the number of images of the whole listing
    alone, never on what is left to do: a map is then the same to the bit in any order, resume or
    shard.

    Attributes:
        images: b, images a group; the last group is padded to it.
        slices: the samples of each step, int32 [s]; sample 0 is the clean image and comes first.
        refines: whether paths may take more steps than these samples.
    """

    images: int
    slices: tuple[NDArray[np.int32], ...]
    refines: bool = True


def lay_out(nsamples: int, batch_size: int, total: int, groups: int = 1) -> Grid:
    """Lays n + 1 samples an image (the clean one and n noised ones) out in batches of at most B.

    Args:
        nsamples: n >= 0.
        batch_size: B >= 1.
        total: images of the whole listing, >= 1.
        groups: G, that an image's samples are dealt into (see `groups`).

    Returns:
        A grid of b images with b * s <= B in each step, as few steps as can be, and the longest
        first: what the first ones take, all will.
    """
    lengths = _lengths(nsamples + 1, batch_size, groups)
    slices = np.split(np.arange(nsamples + 1, dtype=np.int32), np.cumsum(lengths)[:-1])
    return Grid(max(1, min(total, batch_size // lengths[0])), tuple(slices))


def _lengths(samples: int, most: int, groups: int) -> list[int]:
    """Lengths of the fewest slices, the longest first.

    They are alike, but for whole rounds of one sample a group where these are possible.
    A round that lacks samples costs as much as a whole one.
    """
    lengths = []
    for left in range(-(-samples // most), 0, -1):
        share = -(-samples // left)
        rounds = share // groups * groups
        fits = rounds and samples - rounds <= (left - 1) * most
        lengths.append(rounds if fits else share)
        samples -= lengths[-1]
    return sorted(lengths, reverse=True)


LENGTH = 16
"""Samples of an image in a step, where its number of samples is open: few enough to stop in time,
and enough for the sums of ten groups, which each step adds to, to be worth their while. Shorter
slices would put more images side by side, and the last of a listing leave more of a batch empty."""


def lay_out_open(most: int, batch_size: int, total: int) -> Grid:
    """Lays out images whose number of samples is found out on the way.

    Args:
        most: n, the most samples an image, >= 0.
        batch_size: B >= 1.
        total: images of the whole listing, >= 1.

    Returns:
        A grid of b images whose slices all have s samples, b * s <= B; the last may go beyond n.
    """
    length = min(most + 1, batch_size, LENGTH)
    images = min(total, batch_size // length)
    steps = -(-(most + 1) // length)
    samples = np.arange(steps * length, dtype=np.int32)
    return Grid(images, tuple(np.split(samples, steps)))
