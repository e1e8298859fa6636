"""The methods: how averaged derivatives become weighted feature maps.

A new method is one decorated function here; the engine, the Python API and the command line find
it by its name. `method.Needs` says what else a method may stand on; what looks at scores of
perturbed images is in `perturbation_methods`.
"""

from sgcampp.explain import equations
from sgcampp.explain.choices import Choices
from sgcampp.explain.lazy import tf
from sgcampp.explain.method import METHODS, Evidence, Method, Needs, Weighted, method
from sgcampp.explain.scanning import Floats, Found, ScanSettings, scan

__all__ = ["METHODS", "Evidence", "Method", "Needs", "Weighted", "method"]

GUARD = 1e-3
"""alpha_guard=nonnegative asks Eq. 7's denominator to exceed this share of |D2|."""


@method(smooth=True, of_exp=True, weighs=True)
def smooth_grad_cam_pp(of: Evidence, choices: Choices) -> Weighted:
    """Smooth Grad-CAM++: Grad-CAM++ of averaged derivatives (Omeiza et al. 2019, Eq. 7, 8, 2)."""
    half = equations.half_denominator(of.A, of.D2, of.D3)
    numerator = of.D1 if choices.alpha_numerator == "first" else of.D2
    if choices.alpha_guard == "nonnegative":
        twice_alpha, guarded = _guarded(of, numerator, half)
    else:
        twice_alpha, guarded = equations.twice_alpha(numerator, half), tf.zeros_like(half)
    w = equations.feature_map_weights(twice_alpha, of.D1)
    return _weighted(w, of.A)._replace(guarded=tf.reduce_sum(guarded, [-3, -2, -1]))


@method(of_exp=True, weighs=True)
def grad_cam_pp(of: Evidence, choices: Choices) -> Weighted:
    """Grad-CAM++: pixel-wise weighted gradients (Chattopadhay et al. 2018)."""
    return smooth_grad_cam_pp(of, choices)


@method(weighs=True)
def grad_cam(of: Evidence, choices: Choices) -> Weighted:
    """Grad-CAM: feature maps weighed by their mean gradient (Selvaraju et al. 2017, Eq. 1)."""
    return _weighted(equations.mean_gradient_weights(of.D1, of.neurons), of.A)


@method(smooth=True, weighs=True)
def smooth_grad_cam(of: Evidence, choices: Choices) -> Weighted:
    """Smooth Grad-CAM: Grad-CAM of gradients averaged over noised samples (Eq. 1 of the paper)."""
    return grad_cam(of, choices)


@method()
def layer_cam(of: Evidence, choices: Choices) -> Weighted:
    """LayerCAM: each neuron weighed by its own positive gradient (Jiang et al. 2021, Eq. 5–6)."""
    return _unguarded(tf.nn.relu(of.D1) * of.A)


@method(sign="positive")
def hires_cam(of: Evidence, choices: Choices) -> Weighted:
    """HiResCAM: each neuron weighed by its own gradient (Draelos and Carin 2020)."""
    return _unguarded(of.D1 * of.A)


@method(pooled_head=True, weighs=True)
def cam(of: Evidence, choices: Choices) -> Weighted:
    """CAM: feature maps weighed by the dense layer after global average pooling (Zhou et al. 2016).

    There dS/dA_ij^k is that weight over the number of pooled neurons, at every neuron.
    """
    pooled = of.A.shape[-3] * of.A.shape[-2]
    return _weighted(pooled * equations.mean_gradient_weights(of.D1, of.neurons), of.A)


@method(weighs=True, follows=True)
def activation(of: Evidence, choices: Choices) -> Weighted:
    """Activation: the feature maps themselves, without a class (Yosinski et al. 2015).

    Alone it takes those with the largest mean activation for the ones that weigh most.
    """
    mean = tf.reduce_sum(of.A, [-3, -2]) / tf.reduce_sum(of.neurons)
    return _unguarded(of.A)._replace(weights=mean)


@method(needs=Needs.PIXELS)
def gradient(of: Evidence, choices: Choices) -> Weighted:
    """Gradient: the largest |dS/dx| over the channels (Simonyan et al. 2013)."""
    return _unguarded(tf.reduce_max(tf.abs(of.D1), -1, keepdims=True))


@method(needs=Needs.PIXELS, smooth=True)
def smooth_grad(of: Evidence, choices: Choices) -> Weighted:
    """SmoothGrad: gradient averaged over noised samples (Smilkov et al. 2017)."""
    return gradient(of, choices)


@method(needs=Needs.PIXELS, sign="absolute")
def input_x_gradient(of: Evidence, choices: Choices) -> Weighted:
    """Input × gradient: |sum of x dS/dx over the channels| (Shrikumar et al. 2016)."""
    return _unguarded(of.A * of.D1)


@method(needs=Needs.PIXELS, smooth=True, on_path=True, baseline=True, sign="absolute")
def integrated_gradients(of: Evidence, choices: Choices) -> Weighted:
    """Integrated gradients: mean gradient from a baseline on (Sundararajan et al. 2017)."""
    return input_x_gradient(of, choices)


@method(needs=Needs.PIXELS, rule="deep_lift", baseline=True, sign="absolute")
def deep_lift(of: Evidence, choices: Choices) -> Weighted:
    """DeepLIFT: differences to a baseline, by the Rescale rule (Shrikumar et al. 2017)."""
    return input_x_gradient(of, choices)


@method(needs=Needs.PIXELS, rule="guided_backprop")
def guided_backprop(of: Evidence, choices: Choices) -> Weighted:
    """Guided backpropagation: gradient through positive paths only (Springenberg et al. 2014)."""
    return gradient(of, choices)


@method(needs=Needs.PIXELS, rule="deconvnet")
def deconvnet(of: Evidence, choices: Choices) -> Weighted:
    """Deconvnet: gradient with ReLUs that rectify what passes back (Zeiler and Fergus 2013)."""
    return gradient(of, choices)


@method(needs=Needs.MAPS, factors=("guided_backprop", "grad_cam_pp"), weighs=True)
def guided_grad_cam_pp(of_pixels: "tf.Tensor", of_layer: "tf.Tensor") -> "tf.Tensor":
    """Guided Grad-CAM++: guided backpropagation times Grad-CAM++ (Chattopadhay et al. 2018)."""
    return of_pixels * of_layer


@method(needs=Needs.BACKGROUND)
def subset_scan(p: Floats, settings: ScanSettings) -> Found:
    """Subset scan: the neurons that are together the least ordinary (Speakman et al. 2018)."""
    return scan(p, settings.statistic, settings.alpha_max)


def _guarded(
    of: Evidence, numerator: "tf.Tensor", half: "tf.Tensor"
) -> tuple["tf.Tensor", "tf.Tensor"]:
    """Twice alpha, 0 where alpha_guard drops it; and 1 where it does, else 0: [..., h, w, K] each.

    It asks |D2| over a positive denominator to be below 1 / GUARD: in fewer passes over large
    tensors the same as that the denominator exceeds GUARD |D2|. With D2 for numerator both
    quotients are written alike, so that a trace works them out once.
    """
    positive = tf.nn.relu(half)
    share = tf.abs(equations.twice_alpha(of.D2, positive))
    # Times 0, what is not finite becomes a NaN, which is told.
    kept = tf.cast(share < 2 / GUARD, half.dtype)
    dropped = ((half <= 0) | (share >= 2 / GUARD)) & (of.D1 > 0) & (of.D2 != 0)
    return equations.twice_alpha(numerator, positive) * kept, tf.cast(dropped, half.dtype)


def _weighted(w: "tf.Tensor", A: "tf.Tensor") -> Weighted:
    """w^k A^k for each feature map, w: [..., K]."""
    return _unguarded(w[..., None, None, :] * A)._replace(weights=w)


def _unguarded(maps: "tf.Tensor") -> Weighted:
    return Weighted(maps, tf.zeros_like(maps[..., 0, 0, 0]))


# Registered behind those above.
from sgcampp.explain import perturbation_methods, lime, prediction_difference  # noqa: E402, F401, I001
