"""The methods: how averaged derivatives become weighted feature maps.

A new method is one decorated function here; the engine, the Python API and the command line find
it by its name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sgcampp.errors import UserError, nearest
from sgcampp.explain import equations
from sgcampp.explain.choices import Choices

if TYPE_CHECKING:
    import tensorflow as tf

GUARD = 1e-3
"""alpha_guard=nonnegative asks Eq. 7's denominator to exceed this share of D2."""


class Evidence(NamedTuple):
    """What a method works on; leading axes are free.

    Attributes:
        A: [..., h, w, K], activations, zero outside the chosen neurons.
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
        maps: [..., h, w, K], weighted feature maps; L = relu(sum over K).
        guarded: [...], how many alphas the guard set to 0.
    """

    maps: "tf.Tensor"
    guarded: "tf.Tensor"


@dataclass(frozen=True)
class Method:
    """A registered method.

    Attributes:
        name: as the field names it.
        smooth: whether it averages over noised samples; else it looks at the clean image alone.
        of_exp: whether it differentiates Y = exp(S) (subject to Choices.score) or S itself.
        weigh: the method's mathematics.
        summary: the first line of the function's docstring.
    """

    name: str
    smooth: bool
    of_exp: bool
    weigh: Callable[[Evidence, Choices], Weighted]
    summary: str


METHODS: dict[str, Method] = {}


def method(smooth: bool, of_exp: bool) -> Callable[[Callable], Callable]:
    """Registers the decorated function as a method under its own name."""

    def register(weigh: Callable[[Evidence, Choices], Weighted]) -> Callable:
        summary = (weigh.__doc__ or "").splitlines()[0]
        METHODS[weigh.__name__] = Method(weigh.__name__, smooth, of_exp, weigh, summary)
        return weigh

    return register


def find_method(name: str) -> Method:
    """Returns the method of that name; UserError with the nearest names for an unknown one."""
    if name not in METHODS:
        raise UserError(
            f"unknown method {name!r}, accepted: {', '.join(METHODS)}{nearest(name, METHODS)}"
        )
    return METHODS[name]


@method(smooth=False, of_exp=False)
def grad_cam(of: Evidence, choices: Choices) -> Weighted:
    """Grad-CAM: feature maps weighed by their mean gradient (Selvaraju et al. 2017, Eq. 1)."""
    import tensorflow as tf

    w = equations.mean_gradient_weights(of.D1, of.neurons)
    return Weighted(w[..., None, None, :] * of.A, tf.zeros_like(w[..., 0]))


@method(smooth=True, of_exp=False)
def smooth_grad_cam(of: Evidence, choices: Choices) -> Weighted:
    """Smooth Grad-CAM: Grad-CAM of gradients averaged over noised samples (Eq. 1 of the paper)."""
    return grad_cam(of, choices)


@method(smooth=False, of_exp=False)
def layer_cam(of: Evidence, choices: Choices) -> Weighted:
    """LayerCAM: each neuron weighed by its own positive gradient (Jiang et al. 2021, Eq. 5–6)."""
    import tensorflow as tf

    return Weighted(tf.nn.relu(of.D1) * of.A, tf.zeros_like(of.A[..., 0, 0, 0]))


@method(smooth=False, of_exp=False)
def hires_cam(of: Evidence, choices: Choices) -> Weighted:
    """HiResCAM: each neuron weighed by its own gradient (Draelos and Carin 2020)."""
    import tensorflow as tf

    return Weighted(of.D1 * of.A, tf.zeros_like(of.A[..., 0, 0, 0]))


@method(smooth=False, of_exp=True)
def grad_cam_pp(of: Evidence, choices: Choices) -> Weighted:
    """Grad-CAM++: pixel-wise weighted gradients (Chattopadhay et al. 2018)."""
    return smooth_grad_cam_pp(of, choices)


@method(smooth=True, of_exp=True)
def smooth_grad_cam_pp(of: Evidence, choices: Choices) -> Weighted:
    """Smooth Grad-CAM++: Grad-CAM++ of averaged derivatives (Omeiza et al. 2019, Eq. 7, 8, 2)."""
    import tensorflow as tf

    numerator = of.D1 if choices.alpha_numerator == "first" else of.D2
    denominator = equations.alpha_denominator(of.A, of.D2, of.D3)
    guarded = tf.zeros_like(denominator)
    if choices.alpha_guard == "nonnegative":
        small = denominator <= GUARD * of.D2
        guarded = tf.cast(small & (of.D1 > 0) & (of.D2 > 0), denominator.dtype)
        denominator = tf.where(small, tf.zeros_like(denominator), denominator)
    w = equations.feature_map_weights(equations.alpha(numerator, denominator), of.D1)
    return Weighted(w[..., None, None, :] * of.A, tf.reduce_sum(guarded, [-3, -2, -1]))
