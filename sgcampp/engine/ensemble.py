"""Several engines, one for each kind of copies, explain the same groups of images together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.engine import Engine, GroupResult, Maps, Seen
from sgcampp.engine.grid import Grid, lay_out
from sgcampp.explain.lens import REASONS
from sgcampp.explain.looks import pixel_look
from sgcampp.explain.methods import find_method
from sgcampp.explain.sampling import Look, by_sampling

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Layout:
    """How groups of `images` are cut into batches: one grid an engine."""

    images: int
    grids: tuple[Grid, ...]


class Ensemble:
    """Looks at images in every way asked for; what needs the same copies shares them.

    Attributes:
        looks: what is looked at.
        seen: what the traces tell of each look.
        engines: one a kind of copies; the first has noised samples, if any is needed.
        classes: T, classes an image.

    Args:
        model: the Keras model.
        input_shape: (H, W, C) of its input.
        looks: what to look at.
        classes: T.
        **settings: output_name, frozen, precision and jit of every `Engine`.

    Raises:
        UserError: as `Engine` does.
    """

    def __init__(
        self,
        model: "keras.Model",
        input_shape: tuple[int, ...],
        looks: Sequence[Look],
        classes: int,
        **settings: Any,
    ) -> None:
        self.looks, self.classes = tuple(looks), classes
        # A product is looked at as its factors; `_parts` tells where each look's maps come from.
        plain: dict[Look, int] = {}
        self._parts = [
            [plain.setdefault(part, len(plain)) for part in _factors(look)] for look in looks
        ]
        parts = list(plain)
        self._of_engine = list(by_sampling(parts).items())
        self.engines = [
            Engine(
                model,
                input_shape,
                [parts[at] for at in chosen],
                sampling,
                classes=classes,
                **settings,
            )
            for sampling, chosen in self._of_engine
        ]
        seen: dict[int, Seen] = {}
        for engine, (_, chosen) in zip(self.engines, self._of_engine, strict=True):
            seen.update(zip(chosen, engine.seen, strict=True))
        self.seen = tuple(self._seen(part, seen) for part in self._parts)

    @property
    def passes(self) -> int:
        """Passes an image beside its own, over all engines."""
        return sum(engine.passes for engine in self.engines) + len(self.engines) - 1

    def lay_out(self, batch_size: int, total: int) -> Layout:
        """Lays out groups of images for batches of at most B (see `grid.lay_out`)."""
        grids = [lay_out(engine.passes, batch_size, total) for engine in self.engines]
        images = min(grid.images for grid in grids)
        return Layout(images, tuple(replace(grid, images=images) for grid in grids))

    def run(
        self,
        images: NDArray[np.float32],
        codes: NDArray[np.int32],
        layout: Layout,
        give_up: Callable[[], bool] = lambda: False,
    ) -> GroupResult:
        """Explains one group of images; arguments and errors as of `Engine.run`."""
        first: GroupResult | None = None
        maps: dict[int, Maps] = {}
        for engine, grid, (_, chosen) in zip(
            self.engines, layout.grids, self._of_engine, strict=True
        ):
            result = engine.run(images, codes, grid, give_up)
            # Ranks are resolved once, so that all engines explain the same classes.
            codes = np.stack([result.class_idx, result.against_idx], -1)
            first = first or result
            maps.update(zip(chosen, result.maps, strict=True))
        assert first is not None
        return replace(first, maps=tuple(self._map(parts, maps) for parts in self._parts))

    def _seen(self, parts: list[int], seen: dict[int, Seen]) -> Seen:
        if len(parts) == 1:
            return seen[parts[0]]
        pixels, layer = (seen[part] for part in parts)
        return replace(layer, shape=pixels.shape)

    def _map(self, parts: list[int], maps: dict[int, Maps]) -> Maps:
        if len(parts) == 1:
            return maps[parts[0]]
        pixels, layer = (maps[part] for part in parts)
        return _product(pixels, layer)


def _factors(look: Look) -> list[Look]:
    """The looks whose maps are multiplied; the look itself where it is no product."""
    if look.method.factors is None:
        return [look]
    pixels, layer = (find_method(name) for name in look.method.factors)
    return [pixel_look(replace(look, method=pixels)), replace(look, method=layer)]


def _product(pixels: Maps, layer: Maps) -> Maps:
    """Maps in pixel space times maps of a layer, those resized bilinearly onto the pixels."""
    import tensorflow as tf

    count, classes, height, width = pixels.whole.shape

    def resized(maps: NDArray[Any]) -> NDArray[Any]:
        """[b, T, h, w] -> [b, T, H, W], with half-pixel centres."""
        flat = maps.reshape(-1, *maps.shape[2:], 1)
        large = tf.image.resize(flat, (height, width), "bilinear").numpy()
        return large.reshape(count, classes, height, width)

    whole = pixels.whole * resized(layer.whole)
    each = [pixels.whole * resized(layer.single[..., f]) for f in range(layer.single.shape[-1])]
    flat = ~whole.any((-2, -1))
    reason = np.where(layer.reason > 0, layer.reason, pixels.reason)
    none = REASONS.index("no_positive_evidence")
    return layer._replace(
        whole=whole,
        single=np.stack(each, -1) if each else np.zeros([*whole.shape, 0], whole.dtype),
        reason=np.where(flat, np.where(reason > 0, reason, none), 0),
    )
