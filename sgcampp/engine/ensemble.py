"""Several engines, one for each kind of copies, explain the same groups of images together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.baselines import Baselines
from sgcampp.engine.engine import Engine
from sgcampp.engine.grid import Grid
from sgcampp.engine.perturbing import PerturbationEngine
from sgcampp.engine.results import GroupResult, Maps, Seen
from sgcampp.engine.sampling import by_sampling, plain_looks
from sgcampp.explain.flat_reasons import FLAT_REASONS
from sgcampp.explain.looks import Look
from sgcampp.explain.method import Needs


class Runs(Protocol):
    """What explains groups of images: `Engine`, or `PerturbationEngine`; see the first."""

    @property
    def passes(self) -> int: ...  # noqa: D102
    @property
    def seen(self) -> Mapping[Look, Seen]: ...  # noqa: D102
    def lay_out(self, batch_size: int, total: int) -> Grid: ...  # noqa: D102
    def run(  # noqa: D102
        self,
        images: NDArray[np.float32],
        codes: NDArray[np.int32],
        grid: Grid,
        give_up: Callable[[], bool],
    ) -> GroupResult: ...


@dataclass(frozen=True)
class Layout:
    """How groups of `images` are cut into batches: the grid of each engine, in their order."""

    images: int
    grids: tuple[Grid, ...]

    @property
    def unrefined(self) -> "Layout":
        """The same, but paths take no more steps than they were laid out for."""
        return replace(self, grids=tuple(replace(grid, refines=False) for grid in self.grids))


class Ensemble:
    """Looks at images in every way asked for; what needs the same copies shares them.

    Attributes:
        looks: what is looked at.
        seen: what the traces tell of each look.
        engines: one a kind of copies; the first has noised samples, if any is needed. Then one a
            method that stands on scores.
        classes: T, classes an image.

    Args:
        model: the Keras model.
        input_shape: (H, W, C) of its input.
        looks: what to look at.
        classes: T.
        baselines: what images are held against; its `black` is what masks put into their place.
        **settings: output_name, frozen, precision and jit of every `Engine`.

    Raises:
        UserError: as `Engine` does.
    """

    def __init__(
        self,
        model: keras.Model,
        input_shape: tuple[int, ...],
        looks: Sequence[Look],
        classes: int,
        baselines: Baselines,
        **settings: Any,
    ) -> None:
        self.looks, self.classes = tuple(looks), classes
        plain = plain_looks(looks)
        on_gradients = [
            Engine(model, input_shape, chosen, sampling, baselines, classes=classes, **settings)
            for sampling, chosen in by_sampling(plain).items()
        ]
        on_scores = [
            PerturbationEngine(model, input_shape, look, baselines.black, **settings)
            for look in plain
            if look.method.needs is Needs.SCORES
        ]
        self.engines: list[Runs] = [*on_gradients, *on_scores]
        seen = {look: facts for engine in self.engines for look, facts in engine.seen.items()}
        # Of a method of MAPS the row tells of the layer's factor.
        self.seen = {look: seen[(look.factors() or (look,))[-1]] for look in self.looks}

    @property
    def passes(self) -> int:
        """Passes an image beside its own, over all engines."""
        return sum(engine.passes for engine in self.engines) + len(self.engines) - 1

    def lay_out(self, batch_size: int, total: int) -> Layout:
        """Lays out groups of images for batches of at most B (see `grid.lay_out`)."""
        grids = [engine.lay_out(batch_size, total) for engine in self.engines]
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
        results: list[GroupResult] = []
        for engine, grid in zip(self.engines, layout.grids, strict=True):
            results.append(engine.run(images, codes, grid, give_up))
            # Ranks are resolved once, so that all engines explain the same classes.
            codes = results[0].classes.codes()
        plain = {look: maps for result in results for look, maps in result.maps.items()}
        maps = {look: _maps_of(look, plain) for look in self.looks}
        return GroupResult(results[0].classes, maps, self.seen)


def _maps_of(look: Look, plain: Mapping[Look, Maps]) -> Maps:
    """The maps of a look; a method of MAPS joins those of its factors."""
    factors = look.factors()
    if factors is None:
        return plain[look]
    pixels, layer = (plain[factor] for factor in factors)
    return _joined(look.method.function, pixels, layer)


def _joined(join: Callable[..., NDArray[Any]], pixels: Maps, layer: Maps) -> Maps:
    """Maps in pixel space joined with maps of a layer, those resized bilinearly onto the pixels."""
    count, classes, height, width = pixels.whole.shape

    def resized(maps: NDArray[Any]) -> NDArray[Any]:
        """[b, T, h, w] -> [b, T, H, W], with half-pixel centres."""
        flat = maps.reshape(-1, *maps.shape[2:], 1)
        large = tf.image.resize(flat, (height, width), "bilinear").numpy()
        return large.reshape(count, classes, height, width)

    whole = join(pixels.whole, resized(layer.whole))
    filters = range(layer.single.shape[-1])
    each = [join(pixels.whole, resized(layer.single[..., f])) for f in filters]
    flat = ~whole.any((-2, -1))
    reason = np.where(layer.reason > 0, layer.reason, pixels.reason)
    none = FLAT_REASONS.index("no_positive_evidence")
    return layer._replace(
        whole=whole,
        se=whole[..., :0, :0],
        single=np.stack(each, -1) if each else np.zeros([*whole.shape, 0], whole.dtype),
        reason=np.where(flat, np.where(reason > 0, reason, none), 0),
    )
