"""Each closed form against a brute-force estimate or hand-worked numbers."""

import numpy as np
import pytest
import reference
import tensorflow as tf
import tiny

from sgcampp.explain import equations
from sgcampp.explain.choices import Choices
from sgcampp.explain.methods import Evidence, smooth_grad_cam_pp


@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_of_exp_of_a_score_that_is_linear_between_kinks(order):
    """d1, d2, d3 of Y = exp(S) against finite differences of Y itself, neuron by neuron."""
    twin = tiny.relu_cnn(dtype="float64")
    A = reference.convolution_relu(tiny.images(1)[0], twin.kernel, twin.bias)

    def Y(a):
        return np.exp(reference.head(a, *twin.head)[2])

    g = tf.constant(reference.head_gradient(A, *twin.head, 2))
    closed = (Y(A) * equations.derivatives_over_Y(g)[order - 1]).numpy()
    step = {1: 1e-6, 2: 1e-4, 3: 1e-3}[order]
    stencil = {1: (0, 1, 0, -1, 0), 2: (0, 1, -2, 1, 0), 3: (1, -2, 0, 2, -1)}[order]
    scale = {1: 2 * step, 2: step**2, 3: 2 * step**3}[order]
    checked = 0
    for index in np.ndindex(A.shape):
        if not A[index] > 0.01:
            continue
        values = []
        for steps in (2, 1, 0, -1, -2):
            moved = A.copy()
            moved[index] += steps * step
            values.append(Y(moved))
        slopes = np.diff(np.log(values))
        if np.ptp(slopes) > 1e-9:  # a kink of max-pool or ReLU lies between
            continue
        estimate = np.dot(stencil, values) / scale
        assert closed[index] == pytest.approx(estimate, rel=1e-3, abs=1e-5)
        checked += abs(closed[index]) > 1e-4
    assert checked > 20


def evidence(A, D1, D2, D3):
    shape = (1, -1, 1)
    arrays = (np.reshape(np.array(a, np.float64), shape) for a in (A, D1, D2, D3))
    return Evidence(*map(tf.constant, arrays), tf.ones([1, len(A), 1], tf.float64))


def test_hand_worked_numbers():
    """Two neurons of one feature map, A = (1, 3), worked on paper.

    sum A = 4; denominators 2·2 + 4·1 = 8 and 2·1 + 4·(-0.25) = 1; alpha = (1/4, 1);
    w = 1/4·2 + 1·relu(-1) = 1/2; w A = (1/2, 3/2).
    """
    of = evidence(A=(1, 3), D1=(2, -1), D2=(2, 1), D3=(1, -0.25))
    weighted = smooth_grad_cam_pp(of, Choices())
    np.testing.assert_allclose(weighted.maps.numpy().ravel(), [0.5, 1.5])
    assert weighted.guarded.numpy() == 0


def test_first_numerator_by_hand():
    """alpha = D1/denominator = (2/8, -1/1); w = 1/4·2 = 1/2."""
    of = evidence(A=(1, 3), D1=(2, -1), D2=(2, 1), D3=(1, -0.25))
    weighted = smooth_grad_cam_pp(of, Choices(alpha_numerator="first"))
    np.testing.assert_allclose(weighted.maps.numpy().ravel(), [0.5, 1.5])


def test_guard_drops_and_counts_a_denominator_near_zero():
    """sum A = 4: denominator of the second neuron 2·1 + 4·(-0.4999) = 0.0004 <= 1e-3·D2."""
    of = evidence(A=(1, 3), D1=(2, 1), D2=(2, 1), D3=(1, -0.4999))
    guarded = smooth_grad_cam_pp(of, Choices())
    literal = smooth_grad_cam_pp(of, Choices(alpha_guard="none"))
    assert guarded.guarded.numpy() == 1
    np.testing.assert_allclose(guarded.maps.numpy().ravel(), [0.5, 1.5])
    np.testing.assert_allclose(literal.maps.numpy().ravel()[0], 0.5 + 1 / 0.0004, rtol=1e-9)


@pytest.mark.parametrize("numerator", ["second", "first"])
@pytest.mark.parametrize("sign", [1, -1])
def test_guard_asks_the_denominator_to_exceed_a_share_of_d2(numerator, sign):
    """Denominators of 0.99, 1.01 and -5 times 1e-3 |D2|, for D2 of either sign; sum A = 2."""
    D2 = sign * np.array([4.0, 0.5, 2.0, 3.0])
    denominator = np.abs(D2) * [0.99e-3, 1.01e-3, -5e-3, 0]
    D1 = np.array([1.0, 2.0, 3.0, 0.5])
    of = evidence(A=(1, 0, 1, 0), D1=D1, D2=D2, D3=(denominator - 2 * D2) / 2)
    weighted = smooth_grad_cam_pp(of, Choices(alpha_numerator=numerator))
    top = D2 if numerator == "second" else D1
    assert weighted.weights.numpy() == pytest.approx(top[1] / denominator[1] * D1[1], rel=1e-9)
    assert weighted.guarded.numpy() == 3


@pytest.mark.parametrize("guard", ["nonnegative", "none"])
@pytest.mark.parametrize(
    ("where", "number"), [*((name, np.nan) for name in ("A", "D1", "D2", "D3")), ("D2", np.inf)]
)
def test_what_is_not_finite_is_not_guarded_away(where, number, guard):
    numbers = {"A": [1, 3], "D1": [2, 1], "D2": [2, 1], "D3": [1, -0.25]}
    numbers[where][1] = number
    weighted = smooth_grad_cam_pp(evidence(**numbers), Choices(alpha_guard=guard))
    assert np.isnan(weighted.weights.numpy())


def test_zero_over_zero_is_zero():
    of = evidence(A=(1, 3), D1=(0, 0), D2=(0, 0), D3=(0, 0))
    for guard in ("nonnegative", "none"):
        weighted = smooth_grad_cam_pp(of, Choices(alpha_guard=guard))
        assert not weighted.maps.numpy().any()
        assert weighted.guarded.numpy() == 0
