"""Smooth Grad-CAM++ (Omeiza et al. 2019, arXiv 1908.01224), one function an equation.

The letters are the paper's: A activations, S class score before the softmax, Y = exp(S),
D1, D2, D3 the averages over noised samples of the 1st, 2nd and 3rd derivatives of Y with respect
to A, alpha pixel-wise weights, w feature-map weights, L the saliency map. Leading axes (image,
sample) are free: `...` stands for them. All tensors are float32 or float64.
"""

from typing import NamedTuple

from sgcampp.explain.lazy import tf


class Derivatives(NamedTuple):
    """1st, 2nd and 3rd derivatives, or their averages, with respect to A: each [..., h, w, K]."""

    D1: "tf.Tensor"
    D2: "tf.Tensor"
    D3: "tf.Tensor"


def derivatives_of_Y(Y: "tf.Tensor", g: "tf.Tensor") -> Derivatives:
    """1st, 2nd and 3rd derivatives of Y = exp(S) with respect to A: Y g, Y g^2, Y g^3.

    For S locally linear in A, only the diagonal terms (Chattopadhay et al. 2018, Eq. 11–13).

    Args:
        Y: [..., 1, 1, 1], e^{S_m}, a sample's weight in the averages.
        g: [..., h, w, K], dS/dA.

    Returns:
        d1, d2, d3: [..., h, w, K].
    """
    d1 = Y * g
    d2 = d1 * g
    return Derivatives(d1, d2, d2 * g)


def derivatives_over_Y(g: "tf.Tensor") -> Derivatives:
    """1st, 2nd and 3rd derivatives of Y with respect to A, each divided by Y: g, g^2, g^3.

    Args:
        g: [..., h, w, K], dS/dA.

    Returns:
        d1/Y, d2/Y, d3/Y: [..., h, w, K].
    """
    squared = g * g
    return Derivatives(g, squared, squared * g)


def exact_derivatives_over_Y(s1: "tf.Tensor", s2: "tf.Tensor", s3: "tf.Tensor") -> Derivatives:
    """1st, 2nd and 3rd derivatives of Y = exp(S) with respect to A, each divided by Y.

    By Faà di Bruno's formula, whatever S is: only the diagonal terms, as in Eq. 7.

    Args:
        s1: [..., h, w, K], dS/dA.
        s2: [..., h, w, K], d²S/dA².
        s3: [..., h, w, K], d³S/dA³.

    Returns:
        d1/Y, d2/Y, d3/Y: [..., h, w, K].
    """
    return Derivatives(s1, s2 + s1**2, s3 + 3 * s1 * s2 + s1**3)


def mean_gradient_weights(D1: "tf.Tensor", neurons: "tf.Tensor") -> "tf.Tensor":
    """Grad-CAM's weights w^k = mean_ij D1_ij^k (Eq. 1).

    Args:
        D1: [..., h, w, K], zero outside the chosen neurons.
        neurons: [h, w, 1], 1 for a chosen neuron, else 0.

    Returns:
        w: [..., K].
    """
    return tf.reduce_sum(D1, [-3, -2]) / tf.reduce_sum(neurons)


def half_denominator(A: "tf.Tensor", D2: "tf.Tensor", D3: "tf.Tensor") -> "tf.Tensor":
    """Half the denominator of Eq. 7: D2_ij^k + 1/2 (sum_ab A_ab^k) D3_ij^k.

    Halves are as exact as wholes, and spare large tensors a product by 2.

    Args:
        A: [..., h, w, K], zero outside the chosen neurons.
        D2: [..., h, w, K].
        D3: [..., h, w, K].

    Returns:
        [..., h, w, K].
    """
    return D2 + tf.reduce_sum(A, [-3, -2], keepdims=True) / 2 * D3


def twice_alpha(numerator: "tf.Tensor", half: "tf.Tensor") -> "tf.Tensor":
    """Twice the pixel-wise weights alpha_ij^k (Eq. 7), with x/0 = 0.

    Args:
        numerator: [..., h, w, K], D2 (so that n = 0 is Grad-CAM++) or D1 (as arXiv prints it).
        half: [..., h, w, K], from `half_denominator`.

    Returns:
        [..., h, w, K].
    """
    return tf.math.divide_no_nan(numerator, half)


def feature_map_weights(twice_alpha_: "tf.Tensor", D1: "tf.Tensor") -> "tf.Tensor":
    """Feature-map weights w^k = sum_ij alpha_ij^k relu(D1_ij^k) (Eq. 8).

    Args:
        twice_alpha_: [..., h, w, K], from `twice_alpha`.
        D1: [..., h, w, K], zero outside the chosen neurons.

    Returns:
        w: [..., K].
    """
    return tf.reduce_sum(twice_alpha_ * tf.nn.relu(D1), [-3, -2]) / 2


def saliency_map(weighted: "tf.Tensor") -> "tf.Tensor":
    """The saliency map L = relu(sum_k w^k A^k) (Eq. 2).

    Args:
        weighted: [..., h, w, K], w^k A^k.

    Returns:
        L: [..., h, w], >= 0, unnormalised.
    """
    return tf.nn.relu(tf.reduce_sum(weighted, -1))
