"""What is looked at in an image: a method at a layer, with its choices, neurons and copies."""

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sgcampp.errors import UserError, check_whole
from sgcampp.explain.against import ZEROS, Against
from sgcampp.explain.choices import Choices
from sgcampp.explain.methods import METHODS, Method, Needs
from sgcampp.explain.selection import Selection

INPUT = "input"
"""Stands for the address of a layer where a method looks at the model's input itself."""
SMOOTHING = "smoothing"
"""Stands for the name of the last layer where noise can change the maps."""
MOST_SAMPLES = 1_000_000
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Sampling:
    """The copies of an image that the network sees beside the image itself.

    Attributes:
        nsamples: n, noised samples an image; on a path, its steps.
        std_dev: noise strength, see `Choices.noise_scale`.
        seed: of the noise.
        noise_scale: see `Choices`.
        on_path: whether they lie on the straight path from a baseline to the image, without noise.
        rule: how the gradient passes ops, see `propagation.propagating`.
        baseline: what the image is held against, see `Against`; None: nothing.
        tolerance: see `Against.ig_tolerance`.
    """

    nsamples: int = 0
    std_dev: float = 0.0
    seed: int = 0
    noise_scale: str = "range"
    on_path: bool = False
    rule: str = "plain"
    baseline: str | None = None
    tolerance: float | None = None


@dataclass(frozen=True)
class Where:
    """Where a look looks: at a layer by name (None: the default, or SMOOTHING), or at the input."""

    layer_name: str | None
    pixels: bool


@dataclass(frozen=True)
class Look:
    """One thing to look at in an image: a method at a layer, of some feature maps and neurons.

    Attributes:
        method: the method.
        layer_name: a layer, or `outer/inner`; None is the default layer, SMOOTHING the last one
            where noise can change maps. A method in pixel space looks at the input whatever the
            layer.
        choices: how the equations are read.
        selection: which feature maps and neurons.
        nsamples: n, noised samples an image; for integrated_gradients its steps.
        std_dev: noise strength, see `Choices.noise_scale`.
        seed: of the noise.
        baseline: of a method with one, see `Against`.
        tolerance: of integrated_gradients, see `Against.ig_tolerance`.
    """

    method: Method
    layer_name: str | None = None
    choices: Choices = field(default_factory=Choices)
    selection: Selection = field(default_factory=Selection)
    nsamples: int = 0
    std_dev: float = 0.15
    seed: int = 0
    baseline: str = ZEROS
    tolerance: float | None = None

    @property
    def where(self) -> Where:
        """Where it looks."""
        pixels = self.method.needs is Needs.PIXELS
        return Where(None if pixels else self.layer_name, pixels)

    @property
    def weighting(self) -> str:
        """How samples are weighed: by e^{S_m} (`exp_logit`) or alike (`logit`)."""
        return self.choices.score if self.method.of_exp else "logit"

    @property
    def exact(self) -> bool:
        """Whether it takes the true 2nd and 3rd derivatives."""
        return self.method.of_exp and self.choices.derivatives == "exact"

    @property
    def averages(self) -> bool:
        """Whether it averages over copies of the image, and does not look at it alone."""
        return self.method.smooth and self.nsamples > 0

    @property
    def sampling(self) -> Sampling:
        """The copies that it needs."""
        if self.method.on_path:
            return Sampling(
                self.nsamples, on_path=True, baseline=self.baseline, tolerance=self.tolerance
            )
        if not self.averages:
            baseline = self.baseline if self.method.baseline else None
            return Sampling(rule=self.method.rule, baseline=baseline)
        return Sampling(self.nsamples, self.std_dev, self.seed, self.choices.noise_scale)

    def factors(self) -> "tuple[Look, Look] | None":
        """The looks whose maps a method of MAPS joins: in pixel space, and at the layer."""
        if self.method.factors is None:
            return None
        pixels, layer = (METHODS[name] for name in self.method.factors)
        return _without_layer(replace(self, method=pixels)), replace(self, method=layer)


def looks_of(
    layer_names: Sequence[str | None],
    methods: Sequence[str],
    choices: Choices,
    selection: Selection,
    nsamples: int,
    std_dev: float,
    seed: int,
    against: Against,
) -> list[Look]:
    """Every method at every layer; then the methods that look at no layer.

    Args:
        layer_names: layers; None is the default one, SMOOTHING see `Look`.
        methods: names of METHODS.
        choices: how the equations are read.
        selection: which feature maps and neurons of the layers.
        nsamples: n.
        std_dev: of the noise.
        seed: of the noise.
        against: what methods with a baseline hold images against.

    Raises:
        UserError: for anything out of range, or a selection where no method looks at a layer.
    """
    check_noise(nsamples, std_dev, seed)
    found = [METHODS.find(name) for name in dict.fromkeys(methods)]
    if not found or not layer_names:
        raise UserError("there is no method or layer: name at least one of each")
    if not any(method.at_layer for method in found):
        _refuse_selection(selection, found)
    looks = [
        Look(method, layer, choices, selection, int(nsamples), float(std_dev), int(seed))
        for layer in dict.fromkeys(layer_names)
        for method in found
    ]
    at_layers = [look for look in looks if look.method.at_layer]
    elsewhere = dict.fromkeys(_without_layer(look) for look in looks if not look.method.at_layer)
    return at_layers + [_held_against(look, against) for look in elsewhere]


def check_noise(nsamples: Any, std_dev: Any, seed: Any) -> None:
    """Raises UserError unless 0 <= nsamples <= 10^6, std_dev >= 0 and finite, 0 <= seed < 2^63."""
    check_whole("nsamples", nsamples, 0, MOST_SAMPLES, "from 0 to 10^6")
    number = isinstance(std_dev, numbers.Real) and not isinstance(std_dev, bool)
    if not number or not math.isfinite(std_dev) or std_dev < 0:
        raise UserError(f"std_dev is {std_dev!r}, accepted: a finite number >= 0")
    check_whole("seed", seed, 0, MAX_SEED, "from 0 to 2^63 - 1")


def _held_against(look: Look, against: Against) -> Look:
    """The look with what its method takes of `against`."""
    if look.method.baseline:
        look = replace(look, baseline=against.baseline)
    if look.method.on_path:
        look = replace(look, nsamples=int(against.ig_steps), tolerance=against.ig_tolerance)
    return look


def _without_layer(look: Look) -> Look:
    """A look at the input, without what only layers have, so that equal ones are shared."""
    choices = Choices(noise_scale=look.choices.noise_scale)
    return replace(look, layer_name=None, choices=choices, selection=Selection())


def _refuse_selection(selection: Selection, methods: list[Method]) -> None:
    if selection.filters is not None or selection.subset is not None:
        names = ", ".join(method.name for method in methods)
        raise UserError(
            f"filters and subset choose in a layer, but {names} looks at the input: leave them "
            "out, or add a method that looks at a layer"
        )
