"""DeepLIFT's multipliers (Shrikumar et al. 2017, Rescale rule), as gradients of traced ops.

Rows of a batch are images, then as many baselines in the same order: every tensor's first half is
of images, its second half of their baselines. What passes back is the same in both halves. A
multiplier m of an op's input z says what each unit of z - z0 adds to S(x) - S(x0); the rules hold
the sum of m (z - z0) over the inputs at m (y - y0), so that contributions add up.
"""

from collections.abc import Callable, Mapping

import tensorflow as tf

Backward = Callable[..., list[tf.Tensor | None]]

NEAR = 1e-4
"""Where |z - z0| is a smaller share of |z| or |z0|, slopes stand for their ratio, which rounding
would spoil."""

UNARY: Mapping[str, Callable[[tf.Operation, tf.Tensor], tf.Tensor]] = {
    "Relu": lambda op, z: tf.nn.relu(z),
    "Relu6": lambda op, z: tf.nn.relu6(z),
    "LeakyRelu": lambda op, z: tf.nn.leaky_relu(z, op.get_attr("alpha")),
    "Elu": lambda op, z: tf.nn.elu(z),
    "Selu": lambda op, z: tf.nn.selu(z),
    "Sigmoid": lambda op, z: tf.sigmoid(z),
    "Tanh": lambda op, z: tf.tanh(z),
    "Softplus": lambda op, z: tf.nn.softplus(z),
    "Softsign": lambda op, z: tf.nn.softsign(z),
    "Erf": lambda op, z: tf.math.erf(z),
    "Erfc": lambda op, z: tf.math.erfc(z),
    "Exp": lambda op, z: tf.exp(z),
    "Log": lambda op, z: tf.math.log(z),
    "Sqrt": lambda op, z: tf.sqrt(z),
    "Rsqrt": lambda op, z: tf.math.rsqrt(z),
    "Abs": lambda op, z: tf.abs(z),
    "Maximum": lambda op, z: tf.maximum(z, _constant(op)),
    "Minimum": lambda op, z: tf.minimum(z, _constant(op)),
    "Pow": lambda op, z: tf.pow(z, op.inputs[1]),
}
"""Functions of one number, neuron by neuron: by Rescale."""
QUADRATIC: Mapping[str, Callable[..., tf.Tensor]] = {
    "Mul": tf.multiply,
    "Square": tf.square,
    "SquaredDifference": tf.math.squared_difference,
}
"""Their gradient in the middle between image and baseline is exact: Δ(ab) = b̄ Δa + ā Δb."""
MAXIMA: Mapping[str, Callable[[tf.Operation, tf.Tensor], tf.Tensor]] = {
    "MaxPool": lambda op, z: tf.raw_ops.MaxPool(
        input=z,
        **{name: op.get_attr(name) for name in ("ksize", "strides", "explicit_paddings")},
        **{name: op.get_attr(name).decode() for name in ("padding", "data_format")},
    ),
    "Max": lambda op, z: tf.reduce_max(z, op.inputs[1], op.get_attr("keep_dims")),
}
"""Largest of several neurons."""


def backward_rules() -> dict[str, Backward]:
    """For each type of op with a rule its gradient: (op, gradient of its output) -> of inputs."""
    return {
        **{kind: _rescaled(function) for kind, function in UNARY.items()},
        **{kind: _in_the_middle(function) for kind, function in QUADRATIC.items()},
        **{kind: _of_maximum(function) for kind, function in MAXIMA.items()},
        # Differences see what gradients are told not to, as in a variance's mean.
        "StopGradient": lambda op, g: [g],
    }


def varies(tensor: tf.Tensor) -> bool:
    """Whether a tensor has an axis of rows in front: only that one's length is unknown."""
    return bool(tensor.shape.rank) and tensor.shape[0] is None


def _rescaled(function: Callable[[tf.Operation, tf.Tensor], tf.Tensor]) -> Backward:
    """m_z = m_y (y - y0) / (z - z0); the mean of both slopes where z and z0 are nearly equal."""

    def backward(op: tf.Operation, g: tf.Tensor) -> list[tf.Tensor | None]:
        at = _varying(op)
        z, z0 = _halves(op.inputs[at])
        y, y0 = _halves(op.outputs[0])
        apart = z - z0
        near = tf.abs(apart) <= NEAR * tf.maximum(tf.abs(z), tf.abs(z0))
        slope = _gradient(lambda t: function(op, t), op.inputs[at], None)
        ratio = tf.where(near, _mean(slope), (y - y0) / _safe(apart, near))
        return _at(op, at, g * _twice(ratio))

    return backward


def _in_the_middle(function: Callable[..., tf.Tensor]) -> Backward:
    """The gradient of a quadratic function at the mean of image and baseline."""

    def backward(op: tf.Operation, g: tf.Tensor) -> list[tf.Tensor | None]:
        inputs = [_twice(_mean(t)) if varies(t) else tf.stop_gradient(t) for t in op.inputs]
        found = tf.gradients(function(*inputs), inputs, grad_ys=g)
        return [m if varies(t) else None for m, t in zip(found, op.inputs, strict=True)]

    return backward


def _of_maximum(function: Callable[[tf.Operation, tf.Tensor], tf.Tensor]) -> Backward:
    """What the maximum rose goes to the image's largest neuron, what it fell to the baseline's.

    There |z - z0| is at least as large, so that no multiplier exceeds that of the output.
    """

    def backward(op: tf.Operation, g: tf.Tensor) -> list[tf.Tensor | None]:
        z, z0 = _halves(op.inputs[0])
        y, y0 = _halves(op.outputs[0])
        top = tf.maximum(y, y0)
        shares = g * tf.concat([top - y0, y - top], 0)
        routed = sum(_halves(_gradient(lambda t: function(op, t), op.inputs[0], shares)))
        same = tf.equal(z, z0)
        slope = _gradient(lambda t: function(op, t), op.inputs[0], g)
        ratio = tf.where(same, _mean(slope), routed / _safe(z - z0, same))
        return _at(op, 0, _twice(ratio))

    return backward


def _gradient(
    function: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor, g: tf.Tensor | None
) -> tf.Tensor:
    """What calculus passes back through a function at z: g, or ones."""
    fresh = tf.stop_gradient(z)
    return tf.gradients(function(fresh), fresh, grad_ys=g)[0]


def _safe(divisor: tf.Tensor, unused: tf.Tensor) -> tf.Tensor:
    """Ones where its quotients are not used."""
    return tf.where(unused, tf.ones_like(divisor), divisor)


def _halves(tensor: tf.Tensor) -> list[tf.Tensor]:
    return tf.split(tensor, 2)


def _mean(tensor: tf.Tensor) -> tf.Tensor:
    first, second = _halves(tensor)
    return (first + second) / 2


def _twice(tensor: tf.Tensor) -> tf.Tensor:
    return tf.concat([tensor, tensor], 0)


def _varying(op: tf.Operation) -> int:
    """Which input of an op with one varying input that is."""
    return next(at for at, tensor in enumerate(op.inputs) if varies(tensor))


def _constant(op: tf.Operation) -> tf.Tensor:
    return op.inputs[1 - _varying(op)]


def _at(op: tf.Operation, at: int, m: tf.Tensor) -> list[tf.Tensor | None]:
    """One input's multiplier, and none for the others."""
    return [m if i == at else None for i in range(len(op.inputs))]
