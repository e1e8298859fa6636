"""Activations of ordinary images at a layer, in little memory, that others are held against."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError
from sgcampp.explain.scanning import Floats, ScanSettings, p_values

Codes = NDArray[np.uint16]
LARGEST = float(np.finfo(np.float16).max)
MOST_BYTES = 4_000_000_000


def ordered_codes(activations: NDArray[np.floating]) -> Codes:
    """Activations as whole numbers of the same order, uint16: those of their float16.

    Rounding keeps the order, or makes activations equal, for images and background alike; so
    p-values stay valid, and 1,000 images of 60,000 neurons take 120 MB.
    """
    halves = np.clip(activations, -LARGEST, LARGEST).astype(np.float16) + np.float16(0)  # no -0
    bits = halves.view(np.uint16)
    return np.where(bits & 0x8000, ~bits, bits | 0x8000)


def sampling_order(seed: int, keys: Sequence[str]) -> list[int]:
    """The order in which images of a listing are taken into a background.

    By a hash of seed and key: the first n are a random sample, the same in whatever order images
    are listed, and one more image changes at most one of them.
    """

    def hashed(at: int) -> bytes:
        text = f"{seed}:{keys[at]}".encode("utf-8", "surrogateescape")
        return hashlib.blake2b(text, digest_size=16).digest()

    return sorted(range(len(keys)), key=hashed)


@dataclass(frozen=True, eq=False)
class Background:
    """Activations of a sample of ordinary images.

    Attributes:
        identity: JSON values that tell what they are of: model, layer, images, seed.
        shape: (h, w, K) of the layer.
        rows: uint16 [n, h*w*K], from `ordered_codes`, one row an image.
    """

    identity: dict[str, Any]
    shape: tuple[int, int, int]
    rows: Codes

    @property
    def sha256(self) -> str:
        """Digest of its identity."""
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()

    @cached_property
    def _sorted(self) -> Codes:
        """[n, M], each neuron's in ascending order."""
        return np.sort(self.rows, axis=0)

    def p_values(self, codes: Codes, tail: str, own: bool = False) -> Floats:
        """Empirical p-values of one image's neurons, [M].

        Args:
            codes: uint16 [M], from `ordered_codes`.
            tail: see `ScanSettings`.
            own: whether the image is one of the background.
        """
        n = len(self.rows)
        higher = n - _below(self._sorted, codes)
        both = tail == "both"
        # Codes are 16 bits wide, so the next one may need more.
        lower = _below(self._sorted, codes.astype(np.int32) + 1) if both else higher
        return p_values(higher, lower, n, tail, own)

    def to_bytes(self) -> bytes:
        """The content of a `background.npz`."""
        stream = io.BytesIO()
        identity = np.array(json.dumps(self.identity, sort_keys=True))
        np.savez(stream, identity=identity, shape=np.array(self.shape), rows=self.rows)
        return stream.getvalue()

    @classmethod
    def from_file(cls, path: Any) -> "Background":
        """Reads a `background.npz`; `path` may be an open file.

        Raises:
            UserError: if it is none.
        """
        with _opened(path) as file:
            identity = json.loads(str(file["identity"]))
            shape = tuple(int(side) for side in file["shape"])
            rows = file["rows"]
        fits = rows.dtype == np.uint16 and rows.ndim == 2 and len(shape) == 3
        if not fits or not len(rows) or rows.shape[1] != np.prod(shape):
            raise UserError(f"{path} is no background.npz of sgcampp: its rows have another shape")
        return cls(identity, (shape[0], shape[1], shape[2]), rows)


def identity_in(path: Any) -> dict[str, Any]:
    """What a `background.npz` is of, without its rows; UserError if it is none."""
    with _opened(path) as file:
        return json.loads(str(file["identity"]))


@contextmanager
def _opened(path: Any) -> Iterator[Any]:
    """A `background.npz`; UserError for whatever is wrong with it."""
    try:
        with np.load(path, allow_pickle=False) as file:
            yield file
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        name = getattr(path, "name", path)
        raise UserError(f"{name} is no background.npz of sgcampp: {error}") from error


def check_size(images: int, shape: tuple[int, int, int]) -> None:
    """Raises UserError for a background that would not fit into memory."""
    neurons = int(np.prod(shape))
    if 2 * images * neurons > MOST_BYTES:
        raise UserError(
            f"a background of {images} images × {neurons} neurons takes "
            f"{2 * images * neurons / 1e9:.1f} GB: choose a later layer, or fewer images "
            f"(--scan images={MOST_BYTES // (2 * neurons)})"
        )


@dataclass(frozen=True, eq=False)
class Scan:
    """A background, and how images are scanned against it."""

    background: Background
    settings: ScanSettings


def _below(ordered: Codes, codes: NDArray[np.integer]) -> NDArray[np.int64]:
    """For each neuron how many of its n ascending codes are smaller, [M]: by halving."""
    n, neurons = ordered.shape
    flat, columns = ordered.ravel(), np.arange(neurons)
    found = np.zeros(neurons, np.int64)
    step = 1 << (n.bit_length() - 1)
    while step:
        reached = found + step
        inside = reached <= n
        at = np.where(inside, reached - 1, 0) * neurons + columns
        found = np.where(inside & (flat[at] < codes), reached, found)
        step >>= 1
    return found
