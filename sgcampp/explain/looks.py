"""From names of methods and layers to what is looked at."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sgcampp.errors import UserError
from sgcampp.explain.choices import Choices
from sgcampp.explain.methods import Method, find_method
from sgcampp.explain.noise import check_noise
from sgcampp.explain.sampling import Look
from sgcampp.explain.selection import Selection

IG_STEPS = 50
MOST_STEPS = 100_000


def looks_of(
    layer_names: Sequence[str | None],
    methods: Sequence[str],
    choices: Choices,
    selection: Selection,
    nsamples: int,
    std_dev: float,
    seed: int,
    ig_steps: int = IG_STEPS,
) -> list[Look]:
    """Every method at every layer; then the methods in pixel space, which have no layer.

    Args:
        layer_names: layers; None is the default one.
        methods: names of METHODS.
        choices: how the equations are read.
        selection: which feature maps and neurons of the layers.
        nsamples: n.
        std_dev: of the noise.
        seed: of the noise.
        ig_steps: steps of integrated_gradients.

    Raises:
        UserError: for anything out of range, or a selection where no method looks at a layer.
    """
    check_noise(nsamples, std_dev, seed)
    check_steps(ig_steps)
    found = [find_method(name) for name in dict.fromkeys(methods)]
    if not found or not layer_names:
        raise UserError("there is no method or layer: name at least one of each")
    pixels = [method for method in found if method.pixels]
    if len(pixels) == len(found):
        _refuse_selection(selection, pixels)
    looks = [
        Look(method, layer, choices, selection, int(nsamples), float(std_dev), int(seed))
        for layer in dict.fromkeys(layer_names)
        for method in found
        if not method.pixels
    ]
    for method in pixels:
        look = Look(method, None, choices, selection, int(nsamples), float(std_dev), int(seed))
        looks.append(pixel_look(replace(look, nsamples=ig_steps) if method.on_path else look))
    return looks


def pixel_look(look: Look) -> Look:
    """A look in pixel space without what only layers have, so that equal ones are shared."""
    choices = Choices(noise_scale=look.choices.noise_scale)
    return replace(look, layer_name=None, choices=choices, selection=Selection())


def check_steps(ig_steps: Any) -> None:
    """Raises UserError unless 1 <= ig_steps <= 10^5."""
    whole = isinstance(ig_steps, (int, np.integer)) and not isinstance(ig_steps, bool)
    if not whole or not 1 <= ig_steps <= MOST_STEPS:
        raise UserError(f"ig_steps is {ig_steps!r}, accepted: a whole number from 1 to 10^5")


def _refuse_selection(selection: Selection, methods: list[Method]) -> None:
    if selection.filters is not None or selection.subset is not None:
        names = ", ".join(method.name for method in methods)
        raise UserError(
            f"filters and subset choose in a layer, but {names} looks at the input: leave them "
            "out, or add a method that looks at a layer"
        )
