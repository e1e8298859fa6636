"""The methods: how averaged derivatives become weighted feature maps.

A new method is one decorated function here; the engine, the Python API and the command line find
it by its name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError, nearest
from sgcampp.explain import equations
from sgcampp.explain.choices import Choices

if TYPE_CHECKING:
    import tensorflow as tf

GUARD = 1e-3
"""alpha_guard=nonnegative asks Eq. 7's denominator to exceed this share of D2."""


POOLED = 1e-4
"""Gradients of a pooled head are alike up to this share of the largest."""


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
        weigh: the method's mathematics.
        summary: the first line of the function's docstring.
        smooth: whether it averages over copies of the image; else it looks at the image alone.
        of_exp: whether it differentiates Y = exp(S) (subject to Choices.score) or S itself.
        pixels: whether its map lies over the model's input; A is then the input itself.
        on_path: whether its copies lie on the path from zeros to the image, without noise.
        rule: how its gradient passes a ReLU, see `propagation.propagating`.
        pooled_head: whether it needs a head of global average pooling and one dense layer.
        factors: of a product of two methods: one in pixel space, one at a layer.
    """

    name: str
    weigh: Callable[[Evidence, Choices], Weighted] | None
    summary: str
    smooth: bool = False
    of_exp: bool = False
    pixels: bool = False
    on_path: bool = False
    rule: str = "plain"
    pooled_head: bool = False
    factors: tuple[str, str] | None = None

    @property
    def over_pixels(self) -> bool:
        """Whether its map has the resolution of the model's input."""
        return self.pixels or self.factors is not None


METHODS: dict[str, Method] = {}


def method(**traits: Any) -> Callable[[Callable], Callable]:
    """Registers the decorated function as a method under its own name, with fields of `Method`."""

    def register(weigh: Callable[[Evidence, Choices], Weighted]) -> Callable:
        summary = (weigh.__doc__ or "").splitlines()[0]
        METHODS[weigh.__name__] = Method(weigh.__name__, weigh, summary, **traits)
        return weigh

    return register


def find_method(name: str) -> Method:
    """Returns the method of that name; UserError with the nearest names for an unknown one."""
    if name not in METHODS:
        raise UserError(
            f"unknown method {name!r}, accepted: {', '.join(METHODS)}{nearest(name, METHODS)}"
        )
    return METHODS[name]


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


@method(of_exp=True)
def grad_cam_pp(of: Evidence, choices: Choices) -> Weighted:
    """Grad-CAM++: pixel-wise weighted gradients (Chattopadhay et al. 2018)."""
    return smooth_grad_cam_pp(of, choices)


@method()
def grad_cam(of: Evidence, choices: Choices) -> Weighted:
    """Grad-CAM: feature maps weighed by their mean gradient (Selvaraju et al. 2017, Eq. 1)."""
    w = equations.mean_gradient_weights(of.D1, of.neurons)
    return _unguarded(w[..., None, None, :] * of.A)


@method(smooth=True)
def smooth_grad_cam(of: Evidence, choices: Choices) -> Weighted:
    """Smooth Grad-CAM: Grad-CAM of gradients averaged over noised samples (Eq. 1 of the paper)."""
    return grad_cam(of, choices)


@method()
def layer_cam(of: Evidence, choices: Choices) -> Weighted:
    """LayerCAM: each neuron weighed by its own positive gradient (Jiang et al. 2021, Eq. 5–6)."""
    import tensorflow as tf

    return _unguarded(tf.nn.relu(of.D1) * of.A)


@method()
def hires_cam(of: Evidence, choices: Choices) -> Weighted:
    """HiResCAM: each neuron weighed by its own gradient (Draelos and Carin 2020)."""
    return _unguarded(of.D1 * of.A)


@method(pooled_head=True)
def cam(of: Evidence, choices: Choices) -> Weighted:
    """CAM: feature maps weighed by the dense layer after global average pooling (Zhou et al. 2016).

    There dS/dA_ij^k is that weight over the number of pooled neurons, at every neuron.
    """
    pooled = of.A.shape[-3] * of.A.shape[-2]
    w = pooled * equations.mean_gradient_weights(of.D1, of.neurons)
    return _unguarded(w[..., None, None, :] * of.A)


@method(pixels=True)
def gradient(of: Evidence, choices: Choices) -> Weighted:
    """Gradient: the largest |dS/dx| over the channels (Simonyan et al. 2013)."""
    import tensorflow as tf

    return _unguarded(tf.reduce_max(tf.abs(of.D1), -1, keepdims=True))


@method(pixels=True, smooth=True)
def smooth_grad(of: Evidence, choices: Choices) -> Weighted:
    """SmoothGrad: gradient averaged over noised samples (Smilkov et al. 2017)."""
    return gradient(of, choices)


@method(pixels=True)
def input_x_gradient(of: Evidence, choices: Choices) -> Weighted:
    """Input × gradient: |sum of x dS/dx over the channels| (Shrikumar et al. 2016)."""
    import tensorflow as tf

    return _unguarded(tf.abs(tf.reduce_sum(of.A * of.D1, -1, keepdims=True)))


@method(pixels=True, smooth=True, on_path=True)
def integrated_gradients(of: Evidence, choices: Choices) -> Weighted:
    """Integrated gradients: mean gradient on the way from zeros (Sundararajan et al. 2017)."""
    return input_x_gradient(of, choices)


@method(pixels=True, rule="guided_backprop")
def guided_backprop(of: Evidence, choices: Choices) -> Weighted:
    """Guided backpropagation: gradient through positive paths only (Springenberg et al. 2014)."""
    return gradient(of, choices)


@method(pixels=True, rule="deconvnet")
def deconvnet(of: Evidence, choices: Choices) -> Weighted:
    """Deconvnet: gradient with ReLUs that rectify what passes back (Zeiler and Fergus 2013)."""
    return gradient(of, choices)


METHODS["guided_grad_cam_pp"] = Method(
    "guided_grad_cam_pp",
    None,
    "Guided Grad-CAM++: guided backpropagation times Grad-CAM++ (Chattopadhay et al. 2018).",
    factors=("guided_backprop", "grad_cam_pp"),
)


def check_pooled_head(name: str, layer: str, affine: bool, g: NDArray[Any]) -> None:
    """Raises UserError unless the head after a layer is global average pooling and a dense layer.

    Args:
        name: of the method that needs it.
        layer: the layer's address.
        affine: whether dS/dA is the same for every image.
        g: [N, h, w, K], dS/dA of N classes; such a head gives each neuron of a map the same.
    """
    uniform = np.ptp(g, axis=(1, 2)).max() <= POOLED * np.abs(g).max()
    if not affine or not uniform:
        raise UserError(
            f"{name} needs a model that ends in global average pooling and one dense layer right "
            f"after layer {layer!r}, and this one does not: choose that layer, or grad_cam, which "
            "works on every model"
        )


def _unguarded(maps: "tf.Tensor") -> Weighted:
    import tensorflow as tf

    return Weighted(maps, tf.zeros_like(maps[..., 0, 0, 0]))
