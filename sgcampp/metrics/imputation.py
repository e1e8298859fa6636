"""ROAD's noisy linear imputation (Rong et al. 2022, arXiv 2202.00449): a fill without a shape.

A black or grey fill shows where pixels were taken out, and so lets the network guess the map.
"""

import numpy as np
from numpy.typing import ArrayLike

from sgcampp.draws import random_uniforms
from sgcampp.metrics.arrays import pixels_of
from sgcampp.metrics.metric import Floats

NEIGHBOURS = {
    (row, column): 1 / 12 if row and column else 1 / 6
    for row in (-1, 0, 1)
    for column in (-1, 0, 1)
    if row or column
}
"""The weights of a pixel's neighbours by their offset; at the border those that there are."""


def impute(image: ArrayLike, missing: ArrayLike, *, noise: ArrayLike, seed: int = 0) -> Floats:
    """The image with its missing pixels filled from around them, and noise.

    Each missing pixel i solves Σ_j w_ij (x_j − x_i) = 0 over its neighbours.

    Args:
        image: [H, W, C].
        missing: bool [H, W]; not all pixels.
        noise: standard deviation of what is added, in the image's units, one number or one a
            channel; the paper's is .01 of the range.
        seed: the noise depends on (seed, H, W, C) alone, so all maps get the same.

    Returns:
        float64 [H, W, C], known pixels untouched.

    Raises:
        ValueError: if the shapes differ or all pixels are missing.
    """
    x = np.array(image, np.float64)
    holes = pixels_of(missing, x.shape[:2])
    if holes.all():
        raise ValueError("no pixel is left to fill the others from")
    if holes.any():
        drawn = np.asarray(noise) * normal_noise(x.shape, seed)[holes]
        x[holes] = solve(x, np.flatnonzero(holes)) + drawn
    return x


def solve(x: Floats, holes: np.ndarray) -> Floats:
    """What the linear system gives for the holes, flat indices [n], float64 [n, C]."""
    from scipy.sparse import csc_matrix
    from scipy.sparse.linalg import splu

    height, width, channels = x.shape
    place = np.full(height * width, -1)
    place[holes] = np.arange(len(holes))
    known = x.reshape(-1, channels)
    diagonal, right = np.zeros(len(holes)), np.zeros((len(holes), channels))
    entries = []
    for (down, along), weight in NEIGHBOURS.items():
        row, column = holes // width + down, holes % width + along
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        own, other = np.flatnonzero(inside), (row * width + column)[inside]
        diagonal[own] += weight
        is_known = place[other] < 0
        right[own[is_known]] += weight * known[other[is_known]]
        pairs = own[~is_known], place[other[~is_known]]
        entries.append((np.full(len(pairs[0]), -weight), *pairs))
    entries.append((diagonal, np.arange(len(holes)), np.arange(len(holes))))
    values, rows, columns = (np.concatenate(part) for part in zip(*entries, strict=True))
    # The matrix is symmetric and its diagonal dominates, so that nothing need be pivoted.
    factors = splu(
        csc_matrix((values, (rows, columns))),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return np.asarray(factors.solve(right))


def normal_noise(shape: tuple[int, ...], seed: int) -> Floats:
    """Standard normal numbers of that shape by Box and Muller's transform."""
    count = int(np.prod(shape))
    u = random_uniforms(2 * count, "imputation", seed, *shape)
    radius = np.sqrt(-2 * np.log1p(-u[:count]))
    return np.asarray(radius * np.cos(2 * np.pi * u[count:])).reshape(shape)
