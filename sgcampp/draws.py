"""Seeded draws that stay the same from one NumPy to the next.

NumPy promises a bit generator's raw words for ever, but not what `Generator` makes of them.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray


def random_words(count: int, *key: int | str) -> NDArray[np.uint64]:
    """Random words that depend on the key alone.

    Args:
        count: how many.
        key: whole numbers >= 0 and texts.

    Returns:
        uint64 [count].
    """
    text = repr([part if isinstance(part, str) else int(part) for part in key])
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    generator = np.random.PCG64(int.from_bytes(digest, "little"))
    return np.asarray(generator.random_raw(count), np.uint64)


def random_permutation(count: int, *key: int | str) -> NDArray[np.int64]:
    """A permutation of 0 … count − 1 that depends on count and key alone, int64 [count]."""
    return np.argsort(random_words(count, *key), kind="stable").astype(np.int64)


def random_uniforms(count: int, *key: int | str) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1) that depend on the key alone, float64 [count]."""
    return (random_words(count, *key) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def random_normals(count: int, *key: int | str) -> NDArray[np.float64]:
    """Standard normal numbers that depend on the key alone, float64 [count], by Box and Muller."""
    half = -(-count // 2)
    radius, angle = random_uniforms(2 * half, *key).reshape(2, half)
    radius, angle = np.sqrt(-2 * np.log1p(-radius)), 2 * np.pi * angle
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]
