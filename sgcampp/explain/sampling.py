"""What is looked at in an image, and which copies of the image the network sees for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sgcampp.explain.choices import Choices
from sgcampp.explain.methods import Method
from sgcampp.explain.selection import Selection

INPUT = "input"
"""Stands for the address of a layer where a method looks at the model's input itself."""


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
class Look:
    """One thing to look at in an image: a method at a layer, of some feature maps and neurons.

    Attributes:
        method: the method.
        layer_name: a layer, or `outer/inner`; None is the default layer. A method in pixel space
            looks at the input whatever the layer.
        choices: how the equations are read.
        selection: which feature maps and neurons.
        nsamples: n, noised samples an image; for integrated_gradients its steps.
        std_dev: noise strength, see `Choices.noise_scale`.
        seed: of the noise.
    """

    method: Method
    layer_name: str | None = None
    choices: Choices = field(default_factory=Choices)
    selection: Selection = field(default_factory=Selection)
    nsamples: int = 0
    std_dev: float = 0.15
    seed: int = 0

    @property
    def weighting(self) -> str:
        """How samples are weighed: by e^{S_m} (`exp_logit`) or alike (`logit`)."""
        return self.choices.score if self.method.of_exp else "logit"

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


def by_sampling(looks: Sequence[Look]) -> dict[Sampling, list[int]]:
    """Which looks, by their place in `looks`, share which copies of the image.

    What looks at the image alone goes along with any noised samples, since the image is the first
    of them. Those come first.
    """
    shared: dict[Sampling, list[int]] = {}
    for at, look in enumerate(looks):
        shared.setdefault(look.sampling, []).append(at)
    alone = shared.pop(Sampling(), [])
    noised = [s for s in shared if s.rule == "plain" and not s.on_path]
    host = noised[0] if noised else Sampling()
    if alone:
        shared[host] = sorted([*shared.get(host, []), *alone])
    first = [s for s in (host, *noised) if s in shared]
    return {s: shared[s] for s in dict.fromkeys([*first, *shared])}
