"""Several engines, one for each kind of copies, explain the same groups of images together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeGuard

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.background import Scan
from sgcampp.engine.baselines import Baselines
from sgcampp.engine.engine import Engine
from sgcampp.engine.grid import Grid
from sgcampp.engine.masked_scores import MaskedScores
from sgcampp.engine.perturbing import Examples, PerturbationEngine
from sgcampp.engine.results import GroupResult, Maps, Seen
from sgcampp.engine.sampling import by_sampling, plain_looks
from sgcampp.engine.scanning import ScanEngine
from sgcampp.errors import UserError
from sgcampp.explain.flat_reasons import FLAT_REASONS
from sgcampp.explain.looks import Look
from sgcampp.explain.method import Needs
from sgcampp.explain.tolerance import check_tolerance


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


def no_examples(count: int) -> list[NDArray[np.float32]]:
    """Stands for examples where no method asks for any."""
    return []


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
        scan: what methods of BACKGROUND hold images against, where there are any.
        examples: gives inputs like those that will be explained, see `PerturbationEngine`.
        tolerance: largest `relative_se` of a map that has enough samples; None: all take n.
        **settings: output_name, frozen, precision and jit of every `Engine`.

    Raises:
        UserError: as `Engine` does, and for a tolerance that can't be met.
    """

    def __init__(
        self,
        model: keras.Model,
        input_shape: tuple[int, ...],
        looks: Sequence[Look],
        classes: int,
        baselines: Baselines,
        scan: Scan | None = None,
        examples: Examples = no_examples,
        tolerance: float | None = None,
        **settings: Any,
    ) -> None:
        check_tolerance(tolerance, looks)
        self.looks, self.classes, self.tolerance = tuple(looks), classes, tolerance
        plain = plain_looks(looks)
        on_gradients = [
            Engine(model, input_shape, chosen, sampling, baselines, classes=classes, **settings)
            for sampling, chosen in by_sampling(plain).items()
        ]
        scores = MaskedScores(model, input_shape, baselines.black, **settings)
        on_scores = [
            PerturbationEngine(scores, look, examples)
            for look in plain
            if look.method.needs is Needs.SCORES
        ]
        on_background = [
            ScanEngine(model, input_shape, look, _given(scan), classes, **settings)
            for look in plain
            if look.method.needs is Needs.BACKGROUND
        ]
        if tolerance is not None:
            for engine in on_gradients:
                _refuse_unsure(engine)
        self.engines: list[Runs] = [*on_gradients, *on_scores, *on_background]
        self.seen = self._seen([engine.seen for engine in self.engines])

    @property
    def passes(self) -> int:
        """Passes an image beside its own, over all engines."""
        return sum(engine.passes for engine in self.engines) + len(self.engines) - 1

    def lay_out(self, batch_size: int, total: int) -> Layout:
        """Lays out groups of images for batches of at most B (see `grid.lay_out`)."""

        def grid(engine: Runs, images: int) -> Grid:
            of = engine.lay_out_open if self.is_open(engine) else engine.lay_out
            return of(batch_size, images)

        images = min(grid(engine, total).images for engine in self.engines)
        return Layout(images, tuple(grid(engine, images) for engine in self.engines))

    def is_open(self, engine: Runs) -> TypeGuard[Engine]:
        """Whether images leave an engine when their maps are sure enough."""
        return self.tolerance is not None and isinstance(engine, Engine) and engine.has_errors

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
        return self.joined(results)

    def joined(self, results: Sequence[GroupResult]) -> GroupResult:
        """What all engines found of a group of images, in the order of the engines, as one."""
        plain = {look: maps for result in results for look, maps in result.maps.items()}
        maps = {look: _maps_of(look, plain) for look in self.looks}
        scanned = {look: each for result in results for look, each in result.scanned.items()}
        seen = self._seen([result.seen for result in results])
        return GroupResult(results[0].classes, maps, seen, scanned)

    def _seen(self, of_engines: Sequence[Mapping[Look, Seen]]) -> dict[Look, Seen]:
        """What is seen of each look; of a method of MAPS, of its factor at the layer."""
        seen = {look: facts for of_engine in of_engines for look, facts in of_engine.items()}
        return {look: seen[(look.factors() or (look,))[-1]] for look in self.looks}


def _given(scan: Scan | None) -> Scan:
    if scan is None:
        raise UserError(
            "subset_scan holds images against ordinary ones, which `sgcampp scan` reads: the "
            "Python API has none"
        )
    return scan


def _refuse_unsure(engine: Engine) -> None:
    """Raises UserError where noised samples can't tell how sure their maps are."""
    plan = engine.plan
    if plan.copies and not plan.sampling.on_path and not engine.has_errors:
        layers = ", ".join(repr(place.spot.address) for place in plan.places if place.copies)
        raise UserError(
            f"tolerance needs the standard errors of maps, which take too much memory at {layers}: "
            "choose a later layer, fewer at once, or fewer classes"
        )


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
