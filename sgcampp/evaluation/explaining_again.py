"""Explains other images exactly as a run explained its own: the same looks, settings, engines."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.config.run_config import RunConfig
from sgcampp.engine.baselines import Baselines
from sgcampp.engine.device import with_memory
from sgcampp.engine.ensemble import Ensemble, no_examples
from sgcampp.engine.perturbing import Examples
from sgcampp.engine.results import Maps, Seen
from sgcampp.errors import UserError
from sgcampp.evaluation.rows import Series
from sgcampp.explain.classes import NO_CLASS
from sgcampp.explain.looks import Look
from sgcampp.images.find import find_images
from sgcampp.images.items import Found
from sgcampp.images.sources import resolve_sources
from sgcampp.models.classifier import Classifier
from sgcampp.run.baselines import read_baselines
from sgcampp.run.examples import examples_of
from sgcampp.tree.open_tree import OutputTree, kinds_of
from sgcampp.tree.paths import MANIFEST

Asked = tuple[Look, Mapping[str, Any]]
"""A look, and the values of the run's `across` keys that hold for it."""
GiveUp = Callable[[], bool]
Note = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """How the maps that are measured were made.

    Attributes:
        asked: every look of the run.
        maps: how many there are of each series.
        targets: T, classes explained in an image at most.
        batch_size: B.
        baselines: what images were held against.
        settings: frozen, precision and jit of the engines, and output_name.
        examples: images that methods learn from, as of `Ensemble`.
    """

    asked: Sequence[Asked]
    maps: Counter[Series]
    targets: int
    batch_size: int
    baselines: Baselines
    settings: Mapping[str, Any]
    examples: Examples = no_examples

    def ensemble(
        self, classifier: Classifier, asked: Sequence[Asked], targets: int, **other: Any
    ) -> Ensemble:
        """Engines for some of the looks; `other` settings take the place of the run's."""
        return Ensemble(
            classifier.model,
            classifier.input_shape,
            [look for look, _ in asked],
            targets,
            self.baselines,
            examples=self.examples,
            **{**self.settings, **other},
        )


def recipe_of(
    tree: OutputTree, maps: Counter[Series], targets: int, classifier: Classifier
) -> Recipe:
    """How the maps of an output tree were made.

    Args:
        tree: the run's.
        maps: how many there are of each series.
        targets: classes explained in an image at most.
        classifier: the run's model.

    Raises:
        UserError: for a run that can't be repeated here, such as one by a method unknown today, or
            with the image file of a baseline that has changed.
    """
    known = {key.name for key in fields(RunConfig)}
    config = RunConfig(**{name: x for name, x in tree.values.items() if name in known})
    settings = {
        "output_name": classifier.output_name,
        "frozen": tree.record.frozen,
        "precision": config.precision,
        "jit": config.jit,
    }
    against = read_baselines(config, classifier)
    if against.sha256 != tree.record.baseline_sha256:
        raise UserError("the image file of the run's baseline has changed since its maps were made")
    # Of all methods those that the model could serve.
    made = {name.method for name in maps}
    looks = [each for each in config.looks if each.look.method.name in made]
    asked = [(each.look, each.across) for each in looks]
    examples = _examples(tree, config, classifier)
    made_by = tree.record.batch_size, against.baselines, settings, examples
    return Recipe(asked, maps, targets, *made_by)


def _examples(tree: OutputTree, config: RunConfig, classifier: Classifier) -> Examples:
    """Those of the run, from its own listing."""

    def listing() -> Iterator[Found]:
        sources = resolve_sources(config.sources, config.recursive)
        filled = (MANIFEST, *kinds_of(config.write))
        return find_images(sources, config.glob, config.recursive, [tree.store.shown()], filled)

    return examples_of(listing, tree.record.images, classifier, config.max_pixels)


class Again:
    """Engines that explain other inputs; a map's name is its series, as rows have it.

    Attributes:
        series: what it makes.
        passes: an input.

    Args:
        ensemble: traced.
        asked: its looks.
        batch_size: B.
        inputs: how many come together at most; batches are of one shape whatever the number, so
            that a map is the same to the bit in any company.
    """

    def __init__(
        self, ensemble: Ensemble, asked: Sequence[Asked], batch_size: int, inputs: int
    ) -> None:
        self._ensemble, self._batch_size = ensemble, batch_size
        self._layout = ensemble.lay_out(batch_size, inputs)
        self.passes = ensemble.passes + 1
        self.series: dict[Series, tuple[Look, int | None]] = {}
        for look, across in asked:
            self.series |= _named(look, ensemble.seen[look], across)

    def __call__(
        self,
        inputs: NDArray[np.float32],
        codes: NDArray[np.int32],
        give_up: GiveUp,
        note: Note,
    ) -> dict[Series, NDArray[np.float32]]:
        """The maps of m inputs, float32 [m, T, h, w], by series.

        Args:
            inputs: float32 [m, H, W, C], the model's own input.
            codes: int32 [m, at most T, 2], the classes, held.
            give_up: asked before each batch.
            note: is told when batches get smaller.

        Raises:
            GaveUp: when `give_up` said so.
            RunStopped: when the device has no memory even for one image.
        """
        found: dict[Series, list[NDArray[np.float32]]] = {name: [] for name in self.series}
        wanted = padded(codes, self._ensemble.classes)
        done = 0
        while done < len(inputs):
            left = partial(self._run, inputs[done:], wanted[done:], give_up)
            halve = partial(self._halve, note)
            maps, count = with_memory(left, lambda: self._batch_size, halve)
            for name, (look, at) in self.series.items():
                of_look = maps[look].whole if at is None else maps[look].single[..., at]
                found[name].append(of_look.astype(np.float32))
            done += count
        return {name: np.concatenate(parts) for name, parts in found.items() if parts}

    def seconds_a_pass(self, shape: tuple[int, ...]) -> float:
        """How long a pass takes in a full group; the first group is a warm-up."""
        images = np.zeros((self._layout.images, *shape), np.float32)
        images += np.random.default_rng(0).random(shape, np.float32)
        codes = np.full((len(images), 1, 2), [0, NO_CLASS], np.int32)
        taken = []
        for _ in range(2):
            begin = time.perf_counter()
            given = padded(codes, self._ensemble.classes)
            self._ensemble.run(images, given, self._layout.unrefined)
            taken.append(time.perf_counter() - begin)
        return taken[-1] / (len(images) * self.passes)

    def _run(
        self, inputs: NDArray[np.float32], codes: NDArray[np.int32], give_up: GiveUp
    ) -> tuple[Mapping[Look, Maps], int]:
        """The maps of as many inputs as the layout takes, and how many these are."""
        group = slice(self._layout.images)
        result = self._ensemble.run(inputs[group], codes[group], self._layout, give_up)
        return result.maps, len(inputs[group])

    def _halve(self, note: Note, batch_size: int) -> None:
        self._batch_size = batch_size
        self._layout = self._ensemble.lay_out(batch_size, self._layout.images)
        note(f"the device ran out of memory: explaining again with batches of {batch_size}")


def padded(codes: NDArray[np.int32], targets: int) -> NDArray[np.int32]:
    """Class codes [m, t, 2], the last one repeated up to T."""
    return codes[:, np.minimum(np.arange(targets), codes.shape[1] - 1)]


def _named(
    look: Look, seen: Seen, across: Mapping[str, Any]
) -> dict[Series, tuple[Look, int | None]]:
    """The series of a look's maps: the whole one, and one a chosen feature map by its place.

    The whole one goes without its feature maps too, as an `Explanation` does not tell them.
    """
    filters = tuple(look.selection.filters or ())
    settings = json.dumps(dict(across), sort_keys=True)

    def named(chosen: tuple[int, ...]) -> Series:
        return Series(look.method.name, seen.layer, settings, chosen)

    singles = {named((k,)): (look, at) for at, k in enumerate(filters)}
    return {**singles, **dict.fromkeys((named(()), named(filters)), (look, None))}
