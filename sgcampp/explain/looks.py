"""What is looked at in an image: a method at a layer, with its choices, neurons and copies."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sgcampp.errors import UserError
from sgcampp.explain.against import ZEROS, Against
from sgcampp.explain.checks import (
    check_noise,
    grid_of,
    refuse_missing,
    refuse_selection,
    refuse_sign,
)
from sgcampp.explain.choices import Choices
from sgcampp.explain.methods import METHODS, Method, Needs
from sgcampp.explain.perturbation import Perturbing
from sgcampp.explain.selection import Selection

INPUT = "input"
"""Stands for the address of a layer where a method looks at the model's input itself."""
SMOOTHING = "smoothing"
"""Stands for the name of the last layer where noise can change the maps."""


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
        ig_tolerance: see `Against`.
    """

    nsamples: int = 0
    std_dev: float = 0.0
    seed: int = 0
    noise_scale: str = "range"
    on_path: bool = False
    rule: str = "plain"
    baseline: str | None = None
    ig_tolerance: float | None = None


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
        perturbing: of a method of SCORES.
        baseline: of a method with one, see `Against`.
        ig_tolerance: of integrated_gradients, see `Against`.
    """

    method: Method
    layer_name: str | None = None
    choices: Choices = field(default_factory=Choices)
    selection: Selection = field(default_factory=Selection)
    nsamples: int = 0
    std_dev: float = 0.15
    seed: int = 0
    tokens: tuple[int, int] | None = None
    perturbing: Perturbing = field(default_factory=Perturbing)
    baseline: str = ZEROS
    ig_tolerance: float | None = None

    @property
    def where(self) -> Where:
        """Where it looks."""
        if not self.method.at_layer:
            return Where(None, pixels=True)
        return Where(self.layer_name, False, self.tokens)

    @property
    def weighting(self) -> str:
        """How samples are weighed: by e^{S_m} (`exp_logit`) or alike (`logit`)."""
        return self.choices.score if self.method.of_exp else "logit"

    @property
    def exact(self) -> bool:
        """Whether it takes the true 2nd and 3rd derivatives."""
        return self.method.of_exp and self.choices.derivatives == "exact"

    @property
    def sign(self) -> str:
        """What is left of its map: `positive`, `absolute`, or `signed`, which may be negative."""
        return self.method.sign_by(self.choices.sign)

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
            return Sampling(
                self.nsamples, on_path=True, baseline=self.baseline, ig_tolerance=self.ig_tolerance
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
    against: Against | None = None,
    tokens: Sequence[int] | None = None,
    perturbing: Perturbing | None = None,
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
        tokens: (h, w), how the patches of a layer's tokens lie; None: told by their number.
        perturbing: how methods of SCORES perturb an image; its seed is taken from `seed`.

    Raises:
        UserError: for anything out of range, or a selection where no method looks at a layer.
    """
    check_noise(nsamples, std_dev, seed)
    found = [METHODS.find(name) for name in dict.fromkeys(methods)]
    if not found or not layer_names:
        raise UserError("there is no method or layer: name at least one of each")
    refuse_missing(found)
    refuse_sign(choices.sign, found)
    refuse_selection(selection, choices, found)
    grid = grid_of(tokens)
    looks = [
        Look(method, layer, choices, selection, int(nsamples), float(std_dev), int(seed), grid)
        for layer in dict.fromkeys(layer_names)
        for method in found
    ]
    given = replace(perturbing or Perturbing(), seed=int(seed))
    return _in_order([_perturbing(look, given) for look in looks], against or Against())


def _in_order(looks: list[Look], against: Against) -> list[Look]:
    """Looks at layers first; then those at the input, each once."""
    at_layers = [look for look in looks if look.method.at_layer]
    elsewhere = dict.fromkeys(_without_layer(look) for look in looks if not look.method.at_layer)
    return at_layers + [_held_against(look, against) for look in elsewhere]


def _perturbing(look: Look, given: Perturbing) -> Look:
    """A look of a method of SCORES with its settings; others keep none, so that they stay equal."""
    if look.method.needs is not Needs.SCORES:
        return look
    count = look.method.perturbations and (given.perturbations or look.method.perturbations)
    return replace(look, perturbing=replace(given, perturbations=count or None))


def _held_against(look: Look, against: Against) -> Look:
    """The look with what its method takes of `against`."""
    if look.method.baseline:
        look = replace(look, baseline=against.baseline)
    if look.method.on_path:
        look = replace(look, nsamples=int(against.ig_steps), ig_tolerance=against.ig_tolerance)
    return look


def _without_layer(look: Look) -> Look:
    """A look at the input, without what only layers have, so that equal ones are shared."""
    sign = look.choices.sign if look.method.sign else "own"
    choices = Choices(noise_scale=look.choices.noise_scale, sign=sign)
    return replace(look, layer_name=None, choices=choices, selection=Selection(), tokens=None)
