"""What is run for every image of a run."""

from dataclasses import dataclass

from sgcampp.explain.choices import Choices
from sgcampp.explain.methods import Method
from sgcampp.explain.selection import Selection


@dataclass(frozen=True)
class Sampling:
    """The sampling of a run and what is made of it.

    Attributes:
        methods: which methods; all of them share the samples.
        choices: how the equations are read.
        selection: which feature maps and neurons.
        nsamples: n, noised samples an image.
        std_dev: noise strength, see `Choices.noise_scale`.
        seed: of the noise.
    """

    methods: tuple[Method, ...]
    choices: Choices
    selection: Selection
    nsamples: int
    std_dev: float
    seed: int

    def weighting(self, method: Method) -> str:
        """How a method weighs samples: by e^{S_m} (`exp_logit`) or alike (`logit`)."""
        return self.choices.score if method.of_exp else "logit"

    @property
    def smooth_methods(self) -> dict[str, list[Method]]:
        """The methods that average over samples, by weighting."""
        smooth = [method for method in self.methods if method.smooth]
        weightings = dict.fromkeys(self.weighting(method) for method in smooth)
        return {w: [m for m in smooth if self.weighting(m) == w] for w in weightings}
