"""DeepLIFT's multipliers, each rule by numbers worked with paper and pencil, in float64."""

import math

import numpy as np
import pytest
import tensorflow as tf

from sgcampp.engine.propagation import propagating


def multipliers(function, *pairs):
    """Of each input its multiplier; an input is (its value, its baseline's), both alike shaped."""
    inputs = [tf.constant(np.array(pair, np.float64)) for pair in pairs]
    specs = [tf.TensorSpec([None, *x.shape[1:]], tf.float64) for x in inputs]

    @tf.function(autograph=False, input_signature=specs)
    def traced(*x):
        with propagating("deep_lift"):
            y = function(*x)
        return tf.gradients(y, x)

    found = [m.numpy() for m in traced(*inputs)]
    for m in found:
        np.testing.assert_array_equal(m[0], m[1])
    return [m[0] for m in found]


def silu(z):
    """Which brings a gradient of its own."""
    return tf.nn.silu(z)


LN3 = math.log(3)
PHI1 = 0.8413447460685429
"""Of the standard normal distribution, at 1."""
BY_HAND = [
    (tf.nn.relu, 3, -1, 3 / 4),
    (tf.nn.relu, 2, 1, 1),
    (tf.nn.relu, -2, -1, 0),
    (tf.nn.relu, 2, 2, 1),
    (tf.nn.relu, -2, -2, 0),
    (tf.nn.relu6, 8, 2, 4 / 6),
    (tf.nn.relu6, 8, -2, 6 / 10),
    (tf.nn.relu6, 9, 7, 0),
    (lambda z: tf.nn.leaky_relu(z, 0.25), 1, -1, 1.25 / 2),
    (tf.nn.elu, 1, -LN3, (1 + 2 / 3) / (1 + LN3)),
    (tf.sigmoid, LN3, 0, (3 / 4 - 1 / 2) / LN3),
    (tf.sigmoid, LN3, LN3, 3 / 16),
    (tf.tanh, math.atanh(0.5), 0, 0.5 / math.atanh(0.5)),
    (tf.nn.softplus, LN3, -LN3, (math.log(4) - math.log(4 / 3)) / (2 * LN3)),
    (silu, LN3, 0, 3 / 4),
    (silu, LN3, -LN3, (3 / 4 - 1 / 4 * -1) / 2),
    (silu, 0, 0, 1 / 2),
    (lambda z: tf.nn.gelu(z, approximate=False), 1, 0, PHI1),
    (lambda z: tf.nn.gelu(z, approximate=False), 1, -1, 1 / 2),
    (lambda z: z * tf.nn.relu6(z + 3) / 6, 1, -1, (4 / 6 + 2 / 6) / 2),
    (lambda z: tf.maximum(z, 1.0), 3, -1, 2 / 4),
    (lambda z: tf.clip_by_value(z, 0.0, 1.0), 3, -1, 1 / 4),
    (lambda z: tf.pow(z, 3.0), 2, 1, 7),
    (tf.square, 3, 1, 4),
    (tf.math.rsqrt, 4, 1, (1 / 2 - 1) / 3),
    (lambda z: tf.stop_gradient(z) * z, 3, 1, 4),
]


@pytest.mark.parametrize(("function", "z", "z0", "wanted"), BY_HAND)
def test_functions_of_one_number_by_hand(function, z, z0, wanted):
    (m,) = multipliers(function, ([z], [z0]))
    assert m == pytest.approx(wanted, rel=1e-7, abs=1e-12)


def test_nearly_equal_numbers_take_the_slope_and_not_what_rounding_leaves():
    """A ratio of differences of the size of rounding errors would be wrong in its first digits."""
    z0 = np.linspace(1, 2, 50)
    (m,) = multipliers(tf.sigmoid, (np.nextafter(z0, 3), z0))
    p = 1 / (1 + np.exp(-z0))
    np.testing.assert_allclose(m, p * (1 - p), rtol=1e-12)


def test_products_by_hand():
    """12 - 2 = 3·(3 - 1) + 2·(4 - 2): each factor's change times the mean of the other."""
    a, b = multipliers(tf.multiply, ([3], [1]), ([4], [2]))
    assert (a, b) == (3, 2)


def test_products_that_broadcast_by_hand():
    """One gate for two neurons: 3·5 + 1·5 - (1·1 + 2·1) = 17."""
    a, gate = multipliers(tf.multiply, ([[3, 1]], [[1, 2]]), ([[5]], [[1]]))
    np.testing.assert_array_equal(a, [[3, 3]])
    np.testing.assert_array_equal(gate, [[2 + 1.5]])
    assert (a * ([[3 - 1, 1 - 2]])).sum() + gate.item() * 4 == 17


def test_products_with_constants_are_linear():
    (m,) = multipliers(lambda z: tf.constant([2.0, -1.0], tf.float64) * z, ([5, 6], [1, 2]))
    np.testing.assert_array_equal(m, [2, -1])


def test_squared_differences_by_hand():
    """(5 - 2)² - (3 - 1)² = 5, of a mean difference of 5/2: 5·(5 - 3) - 5·(2 - 1)."""
    a, b = multipliers(tf.math.squared_difference, ([5], [3]), ([2], [1]))
    assert (a, b) == (5, -5)


MAXIMA = [
    ([5, 1], [2, 4], [1 / 3, 0]),
    ([1, 2], [2, 6], [0, 1]),
    ([3, 1], [1, 2], [1 / 2, 0]),
    ([4, 0], [4, 1], [1, 0]),
]
"""A rise to the image's largest, a fall to the baseline's, and nothing where nothing changed."""


@pytest.mark.parametrize(("z", "z0", "wanted"), MAXIMA)
def test_maxima_by_hand(z, z0, wanted):
    pair = [np.reshape(values, [2, 1, 1]) for values in (z, z0)]
    for function in (
        lambda z: tf.nn.max_pool2d(z, (2, 1), 1, "VALID"),
        lambda z: tf.reduce_max(z, [1, 2]),
    ):
        (m,) = multipliers(function, pair)
        np.testing.assert_allclose(m.ravel(), wanted, atol=1e-12)


def test_contributions_of_overlapping_pools_add_up():
    rng = np.random.default_rng(3)
    z, z0 = map(tf.constant, rng.normal(size=(2, 9, 7, 3)))
    for padding in ("SAME", "VALID"):

        def pooled(t, padding=padding):
            return tf.reduce_sum(tf.nn.max_pool2d(t, 3, 2, padding), [1, 2])

        (m,) = multipliers(pooled, (z, z0))
        rise = np.subtract(*(pooled(t[None]).numpy().sum() for t in (z, z0)))
        assert (m * (z - z0).numpy()).sum() == pytest.approx(rise, rel=1e-9)
        assert m.min() >= 0


def test_the_rules_end_with_the_block():
    """A swish traced later passes back by the gradient that it brings."""

    @tf.function(autograph=False)
    def traced(z):
        with propagating("deep_lift"):
            tf.nn.silu(z)
        after = tf.nn.silu(z)
        assert after.op.get_attr("_gradient_op_type").startswith(b"CustomGradient")
        return tf.gradients(tf.nn.relu(after), z)

    (slope,) = traced(tf.constant([1.0, 2.0]))
    p = 1 / (1 + np.exp([-1.0, -2.0]))
    np.testing.assert_allclose(slope, p * (1 + [1, 2] * (1 - p)), rtol=1e-6)
