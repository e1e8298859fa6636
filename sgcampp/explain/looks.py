"""What is looked at in an image: a method at a layer, with its choices, neurons and copies."""

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sgcampp.errors import UserError, check_whole, is_whole
from sgcampp.explain.choices import Choices
from sgcampp.explain.methods import METHODS, Method, Needs
from sgcampp.explain.selection import Selection

INPUT = "input"
"""Stands for the address of a layer where a method looks at the model's input itself."""
SMOOTHING = "smoothing"
"""Stands for the name of the last layer where noise can change the maps."""
IG_STEPS = 50
MOST_STEPS = 100_000
MOST_SAMPLES = 1_000_000
MAX_SEED = 2**63 - 1
MOST_TOKENS = 10_000
"""Rows, and columns, of patches."""


@dataclass(frozen=True)
class Sampling:
    """The copies of an image that the network sees beside the image itself.

    Attributes:
        nsamples: n, noised samples an image; on a path, its steps.
        std_dev: noise strength, see `Choices.noise_scale`.
        seed: of the noise.
        noise_scale: see `Choices`.
        on_path: whether they lie on the straight path from zeros to the image, without noise.
        rule: how the gradient passes a ReLU, see `propagation.propagating`.
    """

    nsamples: int = 0
    std_dev: float = 0.0
    seed: int = 0
    noise_scale: str = "range"
    on_path: bool = False
    rule: str = "plain"


@dataclass(frozen=True)
class Where:
    """Where a look looks: at a layer by name (None: the default, or SMOOTHING), or at the input.

    `tokens`: (h, w), how the patches of a layer's tokens lie; None: told by their number.
    """

    layer_name: str | None
    pixels: bool
    tokens: tuple[int, int] | None = None


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
        tokens: see `Where`.
    """

    method: Method
    layer_name: str | None = None
    choices: Choices = field(default_factory=Choices)
    selection: Selection = field(default_factory=Selection)
    nsamples: int = 0
    std_dev: float = 0.15
    seed: int = 0
    tokens: tuple[int, int] | None = None

    @property
    def where(self) -> Where:
        """Where it looks."""
        pixels = self.method.needs is Needs.PIXELS
        return Where(None, pixels) if pixels else Where(self.layer_name, pixels, self.tokens)

    @property
    def weighting(self) -> str:
        """How samples are weighed: by e^{S_m} (`exp_logit`) or alike (`logit`)."""
        return self.choices.score if self.method.of_exp else "logit"

    @property
    def exact(self) -> bool:
        """Whether it takes the true 2nd and 3rd derivatives."""
        return self.method.of_exp and self.choices.derivatives == "exact"

    @property
    def leads(self) -> bool:
        """Whether it chooses feature maps that others may follow."""
        top = self.selection.top is not None
        return top and self.method.weighs and not self.method.follows

    @property
    def averages(self) -> bool:
        """Whether it averages over copies of the image, and does not look at it alone."""
        return self.method.smooth and self.nsamples > 0

    @property
    def sampling(self) -> Sampling:
        """The copies that it needs."""
        if self.method.on_path:
            return Sampling(self.nsamples, on_path=True)
        if not self.averages:
            return Sampling(rule=self.method.rule)
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
    ig_steps: int = IG_STEPS,
    tokens: Sequence[int] | None = None,
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
        ig_steps: steps of integrated_gradients.
        tokens: (h, w), how the patches of a layer's tokens lie; None: told by their number.

    Raises:
        UserError: for anything out of range, or a selection where no method looks at a layer.
    """
    check_noise(nsamples, std_dev, seed)
    check_whole("ig_steps", ig_steps, 1, MOST_STEPS, "from 1 to 10^5")
    found = [METHODS.find(name) for name in dict.fromkeys(methods)]
    if not found or not layer_names:
        raise UserError("there is no method or layer: name at least one of each")
    _refuse_selection(selection, choices, found)
    grid = grid_of(tokens)
    looks = [
        Look(method, layer, choices, selection, int(nsamples), float(std_dev), int(seed), grid)
        for layer in dict.fromkeys(layer_names)
        for method in found
    ]
    at_layers = [look for look in looks if look.method.at_layer]
    elsewhere = dict.fromkeys(_without_layer(look) for look in looks if not look.method.at_layer)
    n = int(ig_steps)
    return at_layers + [replace(x, nsamples=n) if x.method.on_path else x for x in elsewhere]


def check_noise(nsamples: Any, std_dev: Any, seed: Any) -> None:
    """Raises UserError unless 0 <= nsamples <= 10^6, std_dev >= 0 and finite, 0 <= seed < 2^63."""
    check_whole("nsamples", nsamples, 0, MOST_SAMPLES, "from 0 to 10^6")
    number = isinstance(std_dev, numbers.Real) and not isinstance(std_dev, bool)
    if not number or not math.isfinite(std_dev) or std_dev < 0:
        raise UserError(f"std_dev is {std_dev!r}, accepted: a finite number >= 0")
    check_whole("seed", seed, 0, MAX_SEED, "from 0 to 2^63 - 1")


def grid_of(tokens: Sequence[int] | None) -> tuple[int, int] | None:
    """Rows and columns of patches; UserError unless they are two whole numbers from 1 on."""
    if tokens is None:
        return None
    sides: list[Any] = list(tokens) if isinstance(tokens, (list, tuple)) else [tokens]
    if len(sides) != 2 or not all(is_whole(side) and 1 <= side <= MOST_TOKENS for side in sides):
        raise UserError(
            f"tokens is {tokens!r:.50}, accepted: rows and columns of patches, such as 14,14"
        )
    return int(sides[0]), int(sides[1])


def _without_layer(look: Look) -> Look:
    """A look at the input, without what only layers have, so that equal ones are shared."""
    choices = Choices(noise_scale=look.choices.noise_scale)
    return replace(look, layer_name=None, choices=choices, selection=Selection(), tokens=None)


def _refuse_selection(selection: Selection, choices: Choices, methods: list[Method]) -> None:
    """Raises UserError for feature maps or neurons that none, or one, of the methods can choose."""
    chosen = selection.of_filters or selection.subset is not None
    if chosen and not any(method.at_layer for method in methods):
        names = ", ".join(method.name for method in methods)
        raise UserError(
            f"filters and subset choose in a layer, but {names} looks at the input: leave them "
            "out, or add a method that looks at a layer"
        )
    if selection.top is None:
        return
    without = [method.name for method in methods if method.at_layer and not method.weighs]
    if without:
        raise UserError(
            f"filters is top{selection.top}, but {', '.join(without)} has no weight for a feature "
            "map: name feature maps, or take a method such as grad_cam_pp"
        )
    if choices.average == "maps":
        raise UserError(
            f"filters is top{selection.top}, but with average=maps each sample has weights of its "
            "own: name feature maps, or take average=derivatives"
        )
