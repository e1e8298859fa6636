"""How a layer's output lies over the image: as maps, with channels first, or as a row of tokens.

What does is read as [N, h, w, K], and the network goes on from that reading: gradients with
respect to it, methods and pictures are then the same for every kind of network.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

Shape = tuple[Any, ...]
"""Whole numbers; None where the model leaves a size open."""

MOST_EXTRA = 16
"""Tokens that stand for no patch, at most: a class token, and what some networks add to it."""
HALVINGS = 6
"""Times that a network may halve the grid of its first patches."""


@dataclass(frozen=True)
class Layout:
    """How a layer's output lies over the image.

    Attributes:
        shape: (h, w, K); None where the model leaves a size open.
        channels_first: whether it is [N, K, h, w].
        extra: of tokens, how many before the patches stand for none; None if it is not of tokens.
    """

    shape: Shape
    channels_first: bool = False
    extra: int | None = None

    def fits(self, shape: Shape) -> bool:
        """Whether an output of that shape, without the batch axis, can lie so."""
        height, width, depth = self.shape
        own = (depth, height, width) if self.channels_first else self.shape
        if self.extra is not None:
            own = (height * width + self.extra, depth)
        if len(own) != len(shape):
            return False
        return all(None in pair or pair[0] == pair[1] for pair in zip(own, shape, strict=True))

    def read(self, returned: tf.Tensor) -> tf.Tensor:
        """The layer's output as [N, h, w, K], without extra tokens."""
        if self.channels_first:
            return tf.transpose(returned, [0, 2, 3, 1])
        if self.extra is not None:
            return tf.reshape(returned[:, self.extra :], [-1, *self.shape])
        return returned

    def restore(self, maps: tf.Tensor, returned: tf.Tensor) -> tf.Tensor:
        """The layer's output, its patches taken from `maps` [N, h, w, K]."""
        if self.channels_first:
            return tf.transpose(maps, [0, 3, 1, 2])
        if self.extra is None:
            return maps
        height, width, depth = self.shape
        patches = tf.reshape(maps, [-1, height * width, depth])
        return tf.concat([returned[:, : self.extra], patches], 1) if self.extra else patches


@dataclass
class Reading:
    """Reads the outputs of one trace, in the order of its calls.

    Attributes:
        size: (H, W) of the model's input; None: tokens are not told from other things.
        batch: images in the trace; None if that is open. Windows of an image, as Swin Transformers
            cut, are told from images by there being more of them.
        tokens: (h, w), how the patches of tokens lie; None: told by their number.
        known: layouts by address, where an earlier trace told them; all else is left unread.
    """

    size: Shape = (None, None)
    batch: int | None = None
    tokens: tuple[int, int] | None = None
    known: Mapping[str, Layout] | None = None
    _grids: set[Shape] = field(default_factory=set)
    _formats: dict[Shape, str] = field(default_factory=dict)
    _read: dict[int, tuple[Any, Layout, Any]] = field(default_factory=dict)

    def read(self, address: str, layer: Any, returned: Any) -> tuple[Any, Layout | None, Any]:
        """Returns what the network goes on with, its layout, and its reading [N, h, w, K]."""
        if id(returned) in self._read:  # an outer layer returns what an inner one made
            return self._read[id(returned)]
        layout = self._layout(address, layer, full_shape(returned))
        if layout is None:
            return returned, None, None
        if layout == Layout(layout.shape):
            return returned, layout, returned
        maps = layout.read(returned)
        found = layout.restore(maps, returned), layout, maps
        self._read[id(found[0])] = found
        return found

    def _layout(self, address: str, layer: Any, full: Shape) -> Layout | None:
        rows, *shape = full or (0,)
        if self.known is not None:
            # A layer that is called several times has one address here.
            named = (known for name, known in self.known.items() if _uncounted(name) == address)
            return next((layout for layout in named if layout.fits(tuple(shape))), None)
        if len(shape) == 3 and rows in {None, self.batch}:
            layout = self._map_layout(layer, tuple(shape))
            if layout.shape[:2] != self.size and layout.shape[:2] in self._cut():
                self._grids.add(layout.shape[:2])
            return layout
        if len(shape) == 2 and rows == self.batch and None not in {*shape, *self.size}:
            return self._token_layout(*shape)
        return None

    def _map_layout(self, layer: Any, shape: Shape) -> Layout:
        """Channels come first where the layer says so, or one before it with the same shape."""
        own = getattr(layer, "data_format", None)
        if own is not None:
            self._formats[shape] = own
        if self._formats.get(shape) == "channels_first":
            return Layout((*shape[1:], shape[0]), channels_first=True)
        return Layout(shape)

    def _token_layout(self, count: int, depth: int) -> Layout | None:
        """The layout of tokens [N, count, depth]; None if their grid can't be told."""
        if self.tokens is not None:
            height, width = self.tokens
            fits = 0 <= count - height * width <= MOST_EXTRA
            return Layout((height, width, depth), extra=count - height * width) if fits else None
        fitting = {grid for grid in self._possible_grids() if count - grid[0] * grid[1] in {0, 1}}
        if len(fitting) != 1:
            return None
        height, width = fitting.pop()
        return Layout((height, width, depth), extra=count - height * width)

    def _possible_grids(self) -> set[Shape]:
        """Grids of the image's square patches; of maps seen before, those made by halving."""
        halved = {
            (rounded(grid[0], 2**i), rounded(grid[1], 2**i))
            for grid, i in itertools.product(self._grids, range(HALVINGS + 1))
            for rounded in (_down, _up)
        }
        return {grid for grid in halved or self._cut() if grid[0] * grid[1] > 1}

    def _cut(self) -> set[Shape]:
        """Grids that square patches of the image may make, its last ones whole or not."""
        if None in self.size:
            return set()
        return {
            (rounded(self.size[0], by), rounded(self.size[1], by))
            for by in range(1, max(self.size) + 1)
            for rounded in (_down, _up)
        }


def full_shape(tensor: Any) -> Shape:
    """Shape with the batch axis, None where unknown; () if it is not one tensor."""
    shape = getattr(tensor, "shape", None)
    if shape is None or getattr(shape, "rank", 0) is None:
        return ()
    return tuple(shape)


def bare_name(address: str) -> str:
    """'outer/inner#2' → 'inner'."""
    return address.rpartition("/")[2].partition("#")[0]


def _uncounted(address: str) -> str:
    return address.partition("#")[0]


def _down(size: int, by: int) -> int:
    return size // by


def _up(size: int, by: int) -> int:
    return -(-size // by)
