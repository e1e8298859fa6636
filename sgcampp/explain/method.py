"""What a method is, and the registry that the engine, the Python API and the command line read."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from sgcampp.errors import UserError
from sgcampp.registry import Registry

if TYPE_CHECKING:
    import tensorflow as tf

    from sgcampp.explain.perturbation import Perturbing


class Needs(Enum):
    """What a method needs of the model; it says what its function takes and gives.

    LAYER: gradients at a layer. `(Evidence, Choices) -> Weighted`, traced.
    PIXELS: gradients in pixel space; the A of its `Evidence` is the model's input. Likewise.
    SCORES: class scores of perturbed images. `(Subject, Perturbing) -> Perturbation`, a generator
        that yields masks and is sent their scores (see `perturbation`).
    MAPS: maps of its two `factors`, one in pixel space and one at a layer.
        `(of_pixels, of_layer) -> map`, all [b, T, H, W], the second resized onto the first's.
    BACKGROUND: p-values of a layer's activations against a background's.
        `(p [h, w, K], ScanSettings) -> scanning.Found`.
    """

    LAYER = "gradients at a layer"
    PIXELS = "gradients in pixel space"
    SCORES = "scores of perturbed images"
    MAPS = "maps of two other methods"
    BACKGROUND = "activations of a background"


class Evidence(NamedTuple):
    """What a method works on; leading axes are free.

    Attributes:
        A: [..., h, w, K], activations, zero outside the chosen neurons; of a method with a
            baseline x - x0.
        D1: [..., h, w, K], averaged 1st derivative, zero outside the chosen neurons.
        D2: [..., h, w, K], averaged 2nd derivative, likewise.
        D3: [..., h, w, K], averaged 3rd derivative, likewise.
        neurons: [h, w, 1], 1 for a chosen neuron, else 0.
    """

    A: "tf.Tensor"
    D1: "tf.Tensor"
    D2: "tf.Tensor"
    D3: "tf.Tensor"
    neurons: "tf.Tensor"


class Weighted(NamedTuple):
    """What a method returns.

    Attributes:
        maps: [..., h, w, K], weighted feature maps; L = relu(sum over K), of a method with a sign
            what `Choices.sign` leaves of the sum.
        guarded: [...], how many alphas the guard set to 0.
        weights: [..., K], one w^k a feature map; None for a method that weighs neurons.
    """

    maps: "tf.Tensor"
    guarded: "tf.Tensor"
    weights: "tf.Tensor | None" = None


@dataclass(frozen=True)
class Method:
    """A registered method.

    Attributes:
        name: as the field names it.
        function: the method's mathematics, as `needs` has it.
        summary: the first line of the function's docstring.
        needs: what it needs of the model.
        smooth: whether it averages over copies of the image; else it looks at the image alone.
            Then derivatives c D, c > 0, must give c times the map of D: averages are known up to
            such a factor, and errors are worked out from sums.
        of_exp: whether it differentiates Y = exp(S) (subject to Choices.score) or S itself.
        on_path: whether its copies lie on the path from a baseline to the image, without noise.
        baseline: whether it explains what an image scores more than a baseline does.
        rule: how its gradient passes ops, see `propagation.propagating`.
        pooled_head: whether it needs a head of global average pooling and one dense layer.
        weighs: whether it has one weight w^k for each feature map.
        follows: whether it shows the feature maps that weigh most in a method beside it.
        factors: of a method of MAPS: one in pixel space, one at a layer.
        sign: of a method whose map can have either sign: what is made of it unless `Choices.sign`
            says otherwise, `positive`, `absolute` or `signed`; "": it has none.
        sees_layer: of a method of SCORES: whether it looks at a layer's activations.
        from_minimum: whether its map is a mean of scores, far above zero everywhere, so that
            pictures show it from its minimum on.
        perturbations: of a method of SCORES: how many, unless the user says; 0: others decide.
        needs_probabilities: of a method of SCORES: whether scores alone won't do.
        patch_side: of a method of SCORES that needs a model of patches: their side, by its settings
            and (H, W, C).
        packages: what it imports that only the extra `perturbation` installs.
        passes: of a method of SCORES: how many perturbed images it scores for each image, by its
            settings and the shape of what it looks at, (H, W, C) or (h, w, F).
    """

    name: str
    function: Callable[..., Any]
    summary: str
    needs: Needs = Needs.LAYER
    smooth: bool = False
    of_exp: bool = False
    on_path: bool = False
    baseline: bool = False
    rule: str = "plain"
    pooled_head: bool = False
    weighs: bool = False
    follows: bool = False
    factors: tuple[str, str] | None = None
    sign: str = ""
    sees_layer: bool = False
    from_minimum: bool = False
    perturbations: int = 0
    needs_probabilities: bool = False
    patch_side: Callable[["Perturbing", tuple[int, ...]], int] | None = None
    packages: tuple[str, ...] = ()
    passes: Callable[["Perturbing", tuple[int, ...]], int] = lambda settings, shape: 0

    @property
    def at_layer(self) -> bool:
        """Whether it looks at a layer, so that layers, feature maps and neurons can be chosen."""
        of_layer = {Needs.LAYER, Needs.MAPS, Needs.BACKGROUND}
        return self.needs in of_layer or self.sees_layer

    def sign_by(self, choice: str) -> str:
        """What is left of its map by `Choices.sign`: `positive`, `absolute`, or `signed`."""
        if not self.sign:
            return "positive"
        return self.sign if choice == "own" else choice

    @property
    def over_pixels(self) -> bool:
        """Whether its map has the resolution of the model's input."""
        return self.needs in {Needs.PIXELS, Needs.MAPS}

    @property
    def is_particular(self) -> bool:
        """Whether it serves some models and refuses others."""
        particular = self.pooled_head or self.needs_probabilities or self.needs is Needs.MAPS
        return particular or self.rule != "plain"

    @property
    def stands_alone(self) -> bool:
        """Whether it needs nothing but a model and images."""
        return self.is_installed and self.needs is not Needs.BACKGROUND

    @property
    def is_installed(self) -> bool:
        """Whether the packages that it imports are there."""
        return all(map(find_spec, self.packages))

    def check_installed(self) -> None:
        """Raises UserError where a package that it imports is missing."""
        if not self.is_installed:
            raise UserError(
                f"{self.name} needs scikit-image and scikit-learn, which are not installed: "
                "pip install 'sgcampp[perturbation]'"
            )

    @property
    def title(self) -> str:
        """The method as its paper writes it."""
        return self.summary.partition(":")[0]


METHODS = Registry[Method]("method")


def method(**traits: Any) -> Callable[[Callable], Callable]:
    """Registers the decorated function as a method under its own name, with fields of `Method`."""

    def register(function: Callable) -> Callable:
        summary = (function.__doc__ or "").splitlines()[0]
        name = function.__name__
        METHODS.register(name, Method(name, function, summary, **traits))
        return function

    return register
